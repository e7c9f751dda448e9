// The fence: what is being computed while it is forgotten is not served afterwards.
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { expect } from "chai";
import type { CallOptions } from "../src/index.js";
import { stopClock } from "./support/clock.js";
import { deferred, failureOf, settled } from "./support/computation.js";
import { FenceSite, isHidden, WAYS } from "./support/fence-site.js";
import { OwnServer } from "./support/own-server.js";
import { Process } from "./support/process.js";
import { RemoteStore } from "./support/remote-store.js";
import { describeWith, hasProgram } from "./support/servers.js";

/** A fence site in another process. */
class Worker {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (value: string) => void>();
  #sent = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", (message) => {
      const [id, value] = message as [number, string];
      this.#waiting.get(id)?.(value);
    });
  }

  static async start(url: string): Promise<Worker> {
    const script = new URL("support/fence-worker.ts", import.meta.url);
    const child = fork(script, [url], { execArgv: ["--import", "tsx/esm"] });
    await once(child, "message");
    return new Worker(child);
  }

  async do(what: string, argument = ""): Promise<string> {
    this.#sent += 1;
    const id = this.#sent;
    const answer = new Promise<string>((resolve) => this.#waiting.set(id, resolve));
    this.#child.send([id, what, argument]);
    const value = await answer;
    if (value?.startsWith("failed")) throw new Error(value);
    return value;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.kill();
    await exited;
  }
}

const STORES: Readonly<Record<string, () => unknown>> = {
  memory: () => "memory:",
  "a Keyv store": () => new Map(),
};

describe("a computation that is under way when its result is forgotten", () => {
  for (const [store, open] of Object.entries(STORES)) {
    for (const [name, { everywhere, process }] of Object.entries(WAYS)) {
      for (const way of [...everywhere, ...process]) {
        it(`is not served afterwards: ${name}, forgotten by ${way}, in ${store}`, async () => {
          const site = new FenceSite({ store: open() });
          await site.begin(name);
          site.value = "new";
          await site.forget(way);
          expect(await site.release()).to.equal("old");
          expect(await site.call(name)).to.equal("new");
          await site.cache.idle();
          expect(await site.call(name)).to.equal("new");
        });

        it(`does not make later callers get its result: ${name}, forgotten by ${way}, in ${store}`, async () => {
          const site = new FenceSite({ store: open() });
          await site.begin(name);
          site.value = "new";
          await site.forget(way);
          const later = site.call(name);
          await site.cache.has("nothing");
          if (isHidden(name, way)) void site.release();
          expect(await later).to.equal("new");
          expect(await site.release()).to.equal("old");
          await site.cache.idle();
          expect(await site.call(name)).to.equal("new");
        });
      }
    }
  }

  it("gives its result to those who had waited already", async () => {
    const site = new FenceSite({});
    await site.begin("plain");
    const waiting = site.call("plain");
    site.value = "new";
    await site.forget("function");
    expect(await site.release()).to.equal("old");
    expect(await waiting).to.equal("old");
  });

  it("is renewed once for all who come afterwards", async () => {
    for (const [name, way] of [
      ["named", "name"],
      ["plain", "function"],
      ["plain", "key"],
    ] as const) {
      const site = new FenceSite({});
      await site.begin(name);
      site.value = "new";
      await site.forget(way);
      const later = [site.call(name), site.call(name), site.call(name)];
      await site.release();
      expect(await Promise.all(later), way).to.deep.equal(["new", "new", "new"]);
    }
  });

  it("is not served to one who came between two invalidations", async () => {
    const site = new FenceSite({});
    await site.begin("named");
    site.value = "new";
    await site.forget("name");
    const between = site.call("named");
    await site.forget("name");
    await site.release();
    expect(await between).to.equal("new");
  });

  it("is stored if it began after the result was forgotten, even while another one runs", async () => {
    const site = new FenceSite({});
    await site.begin("plain");
    await site.forget("function");
    site.value = "new";
    expect(await site.call("plain")).to.equal("new");
    site.value = "newer";
    await site.release();
    expect(await site.call("plain")).to.equal("new");
  });
});

describe("a computation that fails after its result was forgotten in another process", () => {
  const clock = stopClock();

  it("is not covered up for those who came afterwards by what was stored before", async () => {
    const one = new Process();
    const two = new Process(new RemoteStore(one.store));
    const options: CallOptions = { timeout: 1, staleIfError: 100, tags: ["tag"] };
    await one.ask("key", () => "old", options);
    clock.jump(2);
    const [first, second] = [deferred(), deferred()];
    one.store.after = () => first.promise;
    const end = deferred();
    const fail = async (): Promise<never> => {
      await end.promise;
      throw new Error("down");
    };
    const earlier = one.ask("key", fail, options);
    await settled();
    await two.invalidate("tag");
    one.store.after = () => second.promise;
    const later = one.ask("key", fail, options);
    await settled();
    one.store.after = () => Promise.resolve();
    for (const read of [first, second]) {
      read.resolve();
      await settled();
    }
    end.resolve();
    expect(await earlier).to.equal("old");
    expect(String(await failureOf(later))).to.include("down");
  });
});

describeWith(
  "redis-server",
  hasProgram("redis-server"),
  "a computation in one process, forgotten in another one",
  () => {
    let server: OwnServer;
    let one: Worker;
    let two: Worker;

    before(async () => {
      server = await OwnServer.redis();
      const url = `redis://127.0.0.1:${server.port}`;
      [one, two] = await Promise.all([Worker.start(url), Worker.start(url)]);
    });

    beforeEach(async () => {
      await one.do("forget", "clear");
      await Promise.all([one, two].map((worker) => worker.do("value", "old")));
    });

    after(async () => {
      await Promise.all([one.stop(), two.stop()]);
      await server.kill();
    });

    async function renewed(name: string): Promise<void> {
      await Promise.all([one.do("idle"), two.do("idle")]);
      for (const worker of [one, two, one]) expect(await worker.do("call", name)).to.equal("new");
    }

    for (const [name, { everywhere }] of Object.entries(WAYS)) {
      for (const way of everywhere) {
        it(`is not served afterwards in either: ${name}, forgotten by ${way}`, async () => {
          await one.do("begin", name);
          await Promise.all([one, two].map((worker) => worker.do("value", "new")));
          await two.do("forget", way);
          expect(await one.do("release")).to.equal("old");
          await renewed(name);
        });

        it(`does not make later callers get its result: ${name}, forgotten by ${way}`, async () => {
          await one.do("begin", name);
          await Promise.all([one, two].map((worker) => worker.do("value", "new")));
          await two.do("forget", way);
          const later = one.do("call", name);
          await one.do("look");
          if (isHidden(name, way)) await one.do("release");
          expect(await later).to.equal("new");
          expect(await one.do("release")).to.equal("old");
          await renewed(name);
        });

        it(`is not served from the store: ${name}, forgotten by ${way}`, async () => {
          for (const worker of [one, two]) expect(await worker.do("call", name)).to.equal("old");
          await Promise.all([one, two].map((worker) => worker.do("value", "new")));
          await two.do("forget", way);
          await renewed(name);
        });
      }
    }

    for (const [name, way] of [
      ["plain", "key"],
      ["plain", "call"],
      ["named", "name"],
      ["many", "id"],
      ["cached", "path"],
    ] as const) {
      it(`is deleted in both when it is stored: ${name}, forgotten by ${way}`, async () => {
        for (const worker of [one, two]) expect(await worker.do("call", name)).to.equal("old");
        await Promise.all([one.do("idle"), two.do("idle")]);
        await Promise.all([one, two].map((worker) => worker.do("value", "new")));
        await two.do("forget", way);
        await renewed(name);
      });
    }
  },
);
