import { expect } from "chai";
import { Readable } from "node:stream";
import { FailingKeyv, type Mode } from "../support/failing-keyv.js";
import { until } from "../support/load.js";
import { OwnServer } from "../support/own-server.js";
import { answering, sites } from "../support/page-site.js";

describe("over HTTP, pages on other stores", () => {
  const open = sites();

  describe("that work", () => {
    it("come back with status, fields and bytes", async () => {
      const store = new Map();
      const options = { cache: { store }, page: { timeout: 60, statuses: [404] } };
      const site = await open((ctx) => {
        ctx.status = 404;
        ctx.message = "Gone Fishing";
        ctx.set("Link", ["<a>", "<b>"]);
        ctx.body = Readable.from([Buffer.from([0, 255, 10])]);
      }, options);
      const headers = { Host: "same.example" };
      const miss = await site.ask({ headers });
      await site.cache.idle();
      // Another process: nothing in its memory, the same store.
      const other = await open(answering({}), options);
      const hit = await other.ask({ headers });
      expect(other.runs).to.equal(0);
      expect([hit.status, hit.message]).to.deep.equal([404, "Gone Fishing"]);
      expect([...hit.bytes]).to.deep.equal([...miss.bytes]);
      expect(hit.headers.link).to.equal("<a>, <b>");
    });

    it("variants come back in another process too", async () => {
      const store = new Map();
      const handler = (ctx: Parameters<ReturnType<typeof answering>>[0]) => {
        ctx.vary("X-V");
        ctx.body = `v${ctx.get("x-v")}`;
      };
      const site = await open(handler, { cache: { store } });
      const asks = (v: string) => ({ headers: { Host: "same.example", "X-V": v } });
      for (const v of ["1", "2"]) await site.ask(asks(v));
      await site.cache.idle();
      const other = await open(handler, { cache: { store } });
      for (const v of ["1", "2"]) expect((await other.ask(asks(v))).text).to.equal(`v${v}`);
      expect(other.runs).to.equal(0);
    });
  });

  describe("that fail", () => {
    for (const mode of ["throws", "swallows", "hangs"] as readonly Mode[]) {
      it(`by the way of "${mode}": pages are made, each once a request`, async () => {
        const store = new FailingKeyv();
        store.mode = mode;
        const site = await open(answering({}), { cache: { store, storeTimeout: 0.05 } });
        const begun = performance.now();
        const replies = await site.askTimes(5, "/a");
        expect(replies.every(({ status }) => status === 200)).to.equal(true);
        expect(site.runs).to.be.at.most(5);
        expect(performance.now() - begun).to.be.below(3000);
        expect(site.failures.length).to.equal(0);
        store.mode = "works";
      });
    }

    it("after having worked: pages are still answered, and private ones are still private", async () => {
      const store = new FailingKeyv();
      const site = await open(
        (ctx) => {
          ctx.body = ctx.cookies.get("sid") ?? "nobody";
        },
        { cache: { store, storeTimeout: 0.05 } },
      );
      for (const mode of ["works", "throws", "works", "hangs", "works"] as readonly Mode[]) {
        store.mode = mode;
        for (const user of ["ann", "bob"]) {
          expect((await site.ask({ headers: { Cookie: `sid=${user}` } })).text).to.equal(user);
        }
      }
    });

    it("unsafe requests are answered as well", async () => {
      const store = new FailingKeyv();
      store.mode = "hangs";
      const site = await open(answering({}), { cache: { store, storeTimeout: 0.05 } });
      expect((await site.ask({ method: "POST" })).status).to.equal(200);
      store.mode = "works";
    });
  });

  describe("that give garbage", () => {
    const garbage: readonly unknown[] = [
      null,
      0,
      "",
      "text",
      "{",
      [],
      {},
      { status: 200 },
      { value: { status: 200, body: "x" } },
      Buffer.from([1, 2, 3]),
      true,
      "\u0001\u0000",
    ];
    for (const value of garbage) {
      it(`${JSON.stringify(value)}: the page is made`, async () => {
        const store = new FailingKeyv();
        const site = await open(answering({}), { cache: { store, memory: { entries: 1 } } });
        await site.ask("/a");
        await site.cache.idle();
        for (const key of store.values.keys()) store.values.set(key, value);
        const other = await open(answering({ "X-A": "1" }), { cache: { store } });
        const reply = await other.ask("/a");
        expect([reply.status, reply.text]).to.deep.equal([200, "run 1"]);
        expect(other.runs).to.equal(1);
      });
    }

    it("bytes of a page that were cut or changed are never sent", async () => {
      const store = new FailingKeyv();
      const site = await open(answering({}), { cache: { store } });
      await site.ask({ path: "/a", headers: { Host: "same.example" } });
      await site.cache.idle();
      const good = new Map(store.values);
      for (const cut of [1, 5, 20, 60, 100]) {
        for (const [key, value] of good) {
          const broken = typeof value === "string" ? value.slice(0, -cut) : value;
          store.values.set(key, broken);
        }
        const other = await open(answering({}), { cache: { store } });
        const reply = await other.ask({ path: "/a", headers: { Host: "same.example" } });
        expect([reply.status, reply.text]).to.deep.equal([200, "run 1"]);
      }
    });

    it("a value that somebody set under the key of a page is not sent as one", async () => {
      const keys: string[] = [];
      const site = await open(answering({}), { page: { timeout: 60, keyPrefix: "mine" } });
      site.cache.on("write", ({ key }) => keys.push(String(key)));
      await site.ask();
      expect(keys.length).to.be.above(0);
      for (const value of ["text", { status: 200, body: "evil" }, 7, null]) {
        for (const key of [...keys, "mine"]) await site.cache.set(key, value);
        const reply = await site.ask();
        expect(reply.status).to.equal(200);
        expect(reply.text).to.match(/^run \d$/);
      }
    });
  });

  describe("a Redis that freezes and dies", function () {
    this.timeout(20_000);
    let server: OwnServer;
    before(async () => {
      server = await OwnServer.redis();
    });
    after(() => server.kill());

    it("costs runs, and no answer", async () => {
      const site = await open(
        (ctx) => {
          ctx.body = `page ${ctx.path}`;
        },
        { cache: { store: `redis://127.0.0.1:${server.port}`, storeTimeout: 0.2 } },
      );
      const all = async () => {
        const paths = Array.from({ length: 30 }, (_, index) => `/${index % 6}`);
        const replies = await Promise.all(paths.map((path) => site.ask(path)));
        for (const [index, reply] of replies.entries()) {
          expect([reply.status, reply.text]).to.deep.equal([200, `page ${paths[index]}`]);
        }
      };
      const untilStored = () =>
        until(async () => {
          const before = site.runs;
          await all();
          return site.runs === before;
        });
      await untilStored();
      server.freeze();
      await all();
      server.thaw();
      await server.kill();
      await all();
      await server.start();
      await all();
      await untilStored();
      expect(site.failures.length).to.equal(0);
    });
  });
});
