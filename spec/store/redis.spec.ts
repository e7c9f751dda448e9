// What happens to callers when Redis is killed, frozen or late.
import KeyvRedis, { createClient, createKeyv } from "@keyv/redis";
import { expect } from "chai";
import { Keyv } from "keyv";
import { execFile } from "node:child_process";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import type { OpenOptions } from "../../src/store/open.js";
import { openStore } from "../../src/store/open.js";
import { load, locate } from "../../src/store/packages.js";
import { SERVERS, type Server } from "../../src/store/servers.js";
import { serverSource } from "../../src/store/source.js";
import type { Store } from "../../src/store/store.js";
import { ABSENT, entryOf, valuesOf, versionOf } from "../support/entries.js";
import { Load, until } from "../support/load.js";
import { openingOptions } from "../support/opening.js";
import { OwnServer } from "../support/own-server.js";
import { describeWith, hasProgram } from "../support/servers.js";

const TIMEOUT = 300;
const SLACK = 150;

const clientOf = (url: string) => createClient({ url });

describeWith("redis-server", hasProgram("redis-server"), "over Redis", () => {
  let server: OwnServer;
  let url: string;
  let stores: Store[];
  let reported: Error[];

  beforeEach(async () => {
    server = await OwnServer.redis();
    url = `redis://127.0.0.1:${server.port}`;
    stores = [];
    reported = [];
  });

  afterEach(async () => {
    server.thaw();
    await Promise.all(stores.map((store) => store.close()));
    await server.kill();
  });

  function open(options: Partial<OpenOptions> = {}): Store {
    const store = openStore(
      openingOptions({
        store: url,
        namespace: "n",
        strict: false,
        storeTimeout: TIMEOUT,
        breaker: { failures: 3, rest: TIMEOUT },
        report: (error) => reported.push(error),
        ...options,
      }),
    );
    stores.push(store);
    return store;
  }

  async function ask<T>(question: (client: ReturnType<typeof clientOf>) => Promise<T>): Promise<T> {
    const client = clientOf(url);
    await client.connect();
    try {
      return await question(client);
    } finally {
      client.destroy();
    }
  }

  async function values(store: Store, ...keys: string[]): Promise<unknown[]> {
    return valuesOf((await store.read(keys, [])).entries);
  }

  async function answers(store: Store): Promise<boolean> {
    return !(await store.read(["k"], [])).failed;
  }

  describe("a store", () => {
    it("stores plain text under its own address, and lets the server forget it in time", async () => {
      const store = open();
      await store.write([
        entryOf("k", "v", { freshUntil: Date.now() + 60_000 }),
        entryOf("ever", 1, { freshUntil: Infinity }),
      ]);
      const [text, left, ever] = await ask(async (client) => [
        await client.get("~1:n:e:k"),
        await client.pTTL("~1:n:e:k"),
        await client.pTTL("~1:n:e:ever"),
      ]);
      expect(text).to.match(/^1e\["k",/);
      expect(left).to.be.within(59_000, 60_000);
      expect(ever).to.equal(-1);
      expect(reported).to.deep.equal([]);
    });

    it("asks with one command for all that is read in one tick", async () => {
      const store = open();
      await answers(store);
      await ask((client) => client.configResetStat());
      await Promise.all(["a", "b", "c"].map(async (key) => store.read([key], ["t"])));
      const stats = await ask((client) => client.info("commandstats"));
      expect(stats).to.contain("cmdstat_mget:calls=1,");
      expect(stats).to.not.contain("cmdstat_get:");
    });

    it("takes what is no text for absent", async () => {
      const store = open();
      await ask((client) => client.hSet("~1:n:e:k", "field", "value"));
      expect(await values(store, "k")).to.deep.equal([ABSENT]);
      await store.write([entryOf("k", 1)]);
      expect(await values(store, "k")).to.deep.equal([1]);
      expect(reported).to.deep.equal([]);
    });

    const kinds: Readonly<Record<string, () => Keyv>> = {
      "its URL": () => new Keyv(),
      "a Keyv": () => new Keyv(new KeyvRedis(url), { namespace: "theirs" }),
      "a Keyv without prefixes": () => createKeyv(url),
    };
    for (const [kind, make] of Object.entries(kinds)) {
      it(`lets one of many processes add, over ${kind}`, async () => {
        const keyvs = [1, 2, 3, 4].map(make);
        const adders = keyvs.map((keyv) => open(kind === "its URL" ? {} : { store: keyv }));
        const added = await Promise.all(
          adders.map(async (store, index) => store.add(entryOf("k", index))),
        );
        expect(added.filter(Boolean)).to.have.lengthOf(1);
        const winner = added.indexOf(true);
        expect(await values(adders[0]!, "k")).to.deep.equal([winner]);
        expect(await adders[0]!.add(entryOf("ever", 1, { freshUntil: Infinity }))).to.equal(true);
        await Promise.all(keyvs.map((keyv) => keyv.disconnect()));
      });
    }
  });

  describe("that is absent at first", () => {
    it("fails at once, and is there for callers as soon as it comes", async () => {
      await server.kill();
      const store = open();
      const begun = performance.now();
      expect(await answers(store)).to.equal(false);
      expect(performance.now() - begun).to.be.below(TIMEOUT);
      expect(reported[0]?.message).to.contain("ECONNREFUSED");
      await server.start();
      await until(() => answers(store));
      await store.write([entryOf("k", 1)]);
      expect(await values(store, "k")).to.deep.equal([1]);
    });
  });

  const outages: Readonly<Record<string, { begin: () => unknown; end: () => unknown }>> = {
    killed: { begin: () => server.kill(), end: () => server.start() },
    frozen: { begin: () => server.freeze(), end: () => server.thaw() },
  };
  for (const [name, outage] of Object.entries(outages)) {
    describe(`that is ${name} under load`, () => {
      it("rejects no call, holds none for long, and is used again by itself", async () => {
        const store = open();
        const callers = new Load(store);
        await until(() => answers(store));
        for (let times = 0; times < 2; times += 1) {
          await outage.begin();
          await until(async () => !(await answers(store)));
          await new Promise((resolve) => setTimeout(resolve, 3 * TIMEOUT));
          await outage.end();
          await until(() => answers(store));
        }
        const { rejections, longest, stall, calls } = await callers.stop();
        expect(rejections).to.deep.equal([]);
        expect(longest).to.be.below(TIMEOUT + SLACK + 2 * stall);
        expect(calls).to.be.above(100);
        expect(reported.length).to.be.within(2, 60);
        await store.write([entryOf("k", 1)]);
        expect(await values(store, "k")).to.deep.equal([1]);
      });
    });
  }

  describe("that is frozen", () => {
    it("learns of what was invalidated meanwhile before it serves anything", async () => {
      const store = open();
      const other = open();
      await store.establish([versionOf("t", "old")]);
      await store.write([entryOf("k", "old")]);
      expect(await values(other, "k")).to.deep.equal(["old"]);
      server.freeze();
      await Promise.all([store.outdate([versionOf("t", "new")]), store.remove(["k"])]);
      server.thaw();
      const seen: unknown[] = [];
      await until(async () => {
        const { entries, versions, failed } = await store.read(["k"], ["t"]);
        seen.push(valuesOf(entries)[0], versions[0]?.mark);
        return !failed;
      });
      expect(seen).to.not.include("old");
      expect(await values(other, "k")).to.deep.equal([ABSENT]);
      expect((await other.read([], ["t"])).versions[0]?.mark).to.not.equal("old");
    });

    it("learns of it although nobody asks any more", async () => {
      const store = open();
      const other = open();
      await store.establish([versionOf("t", "old")]);
      server.freeze();
      await store.outdate([versionOf("t", "new")]);
      server.thaw();
      await until(async () => (await other.read([], ["t"])).versions[0]?.mark !== "old");
    });
  });

  describe("behind a Keyv that replays what was queued", () => {
    it("serves nothing that was removed while it was away", async () => {
      const keyv = new Keyv(new KeyvRedis(url));
      const store = open({ store: keyv });
      await until(() => answers(store));
      await server.kill();
      await store.write([entryOf("k", "queued")]);
      await store.remove(["k"]);
      await server.start();
      const seen: unknown[] = [];
      await until(async () => {
        const { entries, failed } = await store.read(["k"], []);
        seen.push(valuesOf(entries)[0]);
        return !failed;
      });
      expect(new Set(seen)).to.deep.equal(new Set([ABSENT]));
      await keyv.disconnect();
    });
  });

  describe("closing", () => {
    it("leaves no connection behind, at whatever moment of connecting it comes", async () => {
      const redis = SERVERS.find(({ tier }) => tier === "redis")!;
      const location = locate(redis.package)!;
      await load(location);
      for (let moments = 0; moments < 20; moments += 1) {
        const source = serverSource(redis, { location, url, timeout: TIMEOUT });
        const connecting = Promise.resolve(source.connect(() => undefined)).catch(() => undefined);
        for (let past = 0; past < moments; past += 1) await setImmediate();
        await source.close();
        await Promise.race([connecting, setImmediate()]);
      }
      await until(async () => (await ask((client) => client.clientList())).length === 1);
    });

    it("ends before the adapter is loaded, and then nothing is opened", async () => {
      const opened: string[] = [];
      const unused: Server = {
        ...SERVERS[0]!,
        open: (_module, opening) => {
          opened.push(opening);
          throw new Error("unreachable");
        },
      };
      const source = serverSource(unused, { location: "node:path", url, timeout: TIMEOUT });
      const connecting = Promise.resolve(source.connect(() => undefined)).catch(
        (error: unknown) => (error as Error).message,
      );
      await source.close();
      expect(await connecting).to.equal("it is closed");
      expect(opened).to.deep.equal([]);
    });

    it("lets the process end, whether it was used, is connecting, or is frozen", async function exits() {
      const script = new URL("../support/close-store.ts", import.meta.url).pathname;
      const run = (mode: string, timeout = 5000): Promise<{ stdout: string }> =>
        promisify(execFile)(
          process.execPath,
          ["--import", "tsx/esm", script, url, mode, `${timeout}`],
          {
            timeout: 15_000,
          },
        );
      expect((await run("used")).stdout).to.equal("read\nclosed\n");
      expect((await run("unused")).stdout).to.equal("closed\n");
      expect((await run("connecting")).stdout).to.equal("closed\n");
      server.freeze();
      expect((await run("used", 300)).stdout).to.equal("failed\nclosed\n");
    });
  });
});
