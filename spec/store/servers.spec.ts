// Servers other than Redis that come, go and break connections.
import { expect } from "chai";
import { execFileSync } from "node:child_process";
import { openStore } from "../../src/store/open.js";
import type { Store } from "../../src/store/store.js";
import { entryOf, valuesOf } from "../support/entries.js";
import { Load, until } from "../support/load.js";
import { openingOptions } from "../support/opening.js";
import { OwnServer } from "../support/own-server.js";
import { describeWith, freePort, hasProgram, listens } from "../support/servers.js";

const TIMEOUT = 400;
const SLACK = 200;

const hasPostgres = await listens(5432);
const hasMaria = await listens(3306);

describe("a server", () => {
  let stores: Store[];
  let reported: Error[];
  beforeEach(() => {
    stores = [];
    reported = [];
  });
  afterEach(() => Promise.all(stores.map((store) => store.close())));

  function open(url: string): Store {
    const store = openStore(
      openingOptions({
        store: url,
        strict: false,
        storeTimeout: TIMEOUT,
        breaker: { failures: 3, rest: TIMEOUT },
        report: (error) => reported.push(error),
      }),
    );
    stores.push(store);
    return store;
  }

  async function answers(store: Store): Promise<boolean> {
    return !(await store.read(["k"], [])).failed;
  }

  for (const scheme of ["redis", "memcached", "postgresql", "mysql"]) {
    it(`that is not there costs a failure, over ${scheme}:`, async () => {
      const store = open(`${scheme}://127.0.0.1:${await freePort()}/test`);
      const begun = performance.now();
      for (let times = 0; times < 5; times += 1) expect(await answers(store)).to.equal(false);
      await store.write([entryOf("k", 1)]);
      expect(performance.now() - begun).to.be.below(4 * TIMEOUT + SLACK);
      expect(reported).to.have.lengthOf.within(1, 4);
      expect(reported.every(({ message }) => message.startsWith("The "))).to.equal(true);
    });
  }

  describeWith("memcached", hasProgram("memcached"), "such as Memcached", () => {
    let server: OwnServer;
    beforeEach(async () => {
      server = await OwnServer.memcached();
    });
    afterEach(async () => {
      server.thaw();
      await server.kill();
    });

    for (const outage of ["killed", "frozen"] as const) {
      it(`that is ${outage} under load rejects no call, holds none for long, and is used again`, async () => {
        const store = open(`memcached://127.0.0.1:${server.port}`);
        await until(() => answers(store));
        const load = new Load(store);
        if (outage === "killed") await server.kill();
        else server.freeze();
        await until(async () => !(await answers(store)));
        await new Promise((resolve) => setTimeout(resolve, 3 * TIMEOUT));
        if (outage === "killed") await server.start();
        else server.thaw();
        await until(() => answers(store));
        const { rejections, longest, stall } = await load.stop();
        expect(rejections).to.deep.equal([]);
        expect(longest).to.be.below(TIMEOUT + SLACK + 2 * stall);
        await until(async () => {
          await store.write([entryOf("k", 1)]);
          return valuesOf((await store.read(["k"], [])).entries)[0] === 1;
        });
      });
    }

    it("refuses a value that is too large, and stores what is written with it", async () => {
      const store = open(`memcached://127.0.0.1:${server.port}`);
      await store.write([entryOf("large", "x".repeat(2_000_000)), entryOf("small", 1)]);
      const { entries } = await store.read(["large", "small"], []);
      expect(entries[0]).to.equal(undefined);
      expect(entries[1]?.held.give()).to.equal(1);
      expect(reported.map(({ message }) => message)).to.have.lengthOf(1);
    });
  });

  describeWith("PostgreSQL on port 5432", hasPostgres, "such as PostgreSQL", () => {
    it("that breaks its idle connections does not end the process, and is used again", async () => {
      const url = "postgresql://postgres@127.0.0.1:5432/test";
      const store = open(`${url}?application_name=koa-caching-spec`);
      await store.write([entryOf("k", 1)]);
      const end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name =";
      execFileSync("psql", [url, "--command", `${end} 'koa-caching-spec'`]);
      // The broken connection is idle: nobody asks anything while the news of it arrives.
      await new Promise((resolve) => setTimeout(resolve, 200));
      await until(() => answers(store));
      expect(valuesOf((await store.read(["k"], [])).entries)).to.deep.equal([1]);
    });
  });

  for (const [server, isHere, url] of [
    ["PostgreSQL", hasPostgres, "postgresql://postgres@127.0.0.1:5432/test"],
    ["MariaDB", hasMaria, "mysql://root@127.0.0.1:3306/test"],
  ] as const) {
    describeWith(server, isHere, `such as ${server}`, () => {
      it("goes on for one store when another one on it is closed", async () => {
        const store = open(url);
        const other = open(url);
        await Promise.all([answers(store), answers(other)]);
        await other.close();
        await until(() => answers(store));
      });
    });
  }
});
