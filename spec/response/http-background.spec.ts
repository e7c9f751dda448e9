import { once } from "node:events";
import { connect, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import { install } from "@sinonjs/fake-timers";
import { expect } from "chai";
import Koa, { type Context } from "koa";
import { Cache, type CacheEvent } from "koa-caching";
import type { Question, Reply } from "../support/http-client.js";
import { answering, sites, stopDate, type PageHandler } from "../support/page-site.js";

const tick = () => new Promise((resolve) => setImmediate(resolve));

/** Lets so much time pass as sockets need, where timers stand still. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await tick();
}

async function turnsUntil(isSo: () => boolean): Promise<void> {
  const until = performance.now() + 5000;
  while (!isSo()) {
    if (performance.now() > until) expect.fail("It did not come to that.");
    await tick();
  }
}

/** A request of a user, who is told by a cookie. */
const by = (user: string, question: Question = {}): Question => ({
  ...question,
  headers: { ...question.headers, Cookie: `user=${user}` },
});

const stalePage = { timeout: 10, staleWhileRevalidate: 20 };

describe("over HTTP, what runs without a client of its own", () => {
  const open = sites();

  describe("a HEAD that freshens (RFC 9111, section 4.3.5)", () => {
    const { pass } = stopDate();
    const head: Question = { method: "HEAD" };
    const personal: PageHandler = (ctx, run) => {
      ctx.set({ ETag: '"v"', "Cache-Control": "max-age=1" });
      if (ctx.method === "HEAD") ctx.set("X-User", ctx.cookies.get("user") ?? "nobody");
      ctx.body = `run ${run}`;
    };

    it("makes a page fresh again whose validator it names, with its fields", async () => {
      const site = await open(
        (ctx, run) => {
          ctx.set({ ETag: '"v"', "Cache-Control": "max-age=10", "X-Run": String(run) });
          ctx.body = `run ${run}`;
        },
        { page: {} },
      );
      await site.ask();
      pass(11);
      expect((await site.ask(head)).headers["x-run"]).to.equal("2");
      pass(9);
      const hit = await site.ask();
      expect([hit.text, hit.headers["x-run"], hit.headers.age]).to.deep.equal(["run 1", "2", "9"]);
      expect(site.runs).to.equal(2);
    });

    it("teaches nothing where it read who asks", async () => {
      const site = await open(personal, { page: {} });
      await site.ask();
      pass(2);
      expect((await site.ask(by("ann", head))).headers["x-user"]).to.equal("ann");
      const next = await site.ask();
      expect(next.text).to.equal("run 3");
      expect(next.headers).to.not.have.property("x-user");
    });

    it("outdates nothing where it carries what the page is not for", async () => {
      const site = await open(answering({ ETag: '"a"', "Cache-Control": "max-age=60" }));
      await site.ask();
      await site.ask({ method: "HEAD", headers: { Authorization: "Bearer x" } });
      expect((await site.ask()).text).to.equal("run 1");
    });

    it("outdates nothing either where it read who asks", async () => {
      const site = await open(
        (ctx, run) => {
          const user = ctx.method === "HEAD" ? ctx.cookies.get("user") : "all";
          ctx.set({ ETag: `"of ${user}"`, "Cache-Control": "max-age=60" });
          ctx.body = `run ${run}`;
        },
        { page: { obeyClient: true } },
      );
      await site.ask();
      await site.ask(by("ann", { method: "HEAD", headers: { "Cache-Control": "no-cache" } }));
      expect((await site.ask()).text).to.equal("run 1");
    });

    it("teaches what it read by the key, to those of the same key", async () => {
      const site = await open(personal, { page: { vary: ["cookie:user"] } });
      await site.ask(by("ann"));
      await site.ask(by("bob"));
      pass(2);
      await site.ask(by("ann", head));
      const ann = await site.ask(by("ann"));
      expect([ann.text, ann.headers["x-user"]]).to.deep.equal(["run 1", "ann"]);
      expect((await site.ask(by("bob"))).headers).to.not.have.property("x-user");
    });

    it("teaches what it read by its own Vary", async () => {
      const site = await open((ctx, run) => (ctx.vary("Cookie"), personal(ctx, run)), { page: {} });
      await site.ask(by("ann"));
      pass(2);
      await site.ask(by("ann", head));
      const ann = await site.ask(by("ann"));
      expect([ann.text, ann.headers["x-user"]]).to.deep.equal(["run 1", "ann"]);
      expect((await site.ask(by("bob"))).text).to.equal("run 3");
    });

    it("is not watched any longer than its handlers run, even if they throw", async () => {
      const before: unknown[] = [];
      const after: unknown[] = [];
      const ways = (ctx: Context) => [
        Object.getOwnPropertyDescriptor(ctx, "cookies"),
        Object.getOwnPropertyDescriptor(ctx.req, "headers"),
        Object.getOwnPropertyDescriptor(ctx.state, "user"),
      ];
      const site = await open(
        (ctx, run) => {
          ctx.set({ ETag: '"v"', "Cache-Control": "max-age=1" });
          if (run > 1) ctx.throw(503);
          ctx.body = `run ${run}`;
        },
        {
          page: {},
          outside: [
            async (ctx, next) => {
              before.push(ways(ctx));
              try {
                await next();
              } finally {
                after.push(ways(ctx));
              }
            },
          ],
        },
      );
      await site.ask();
      pass(2);
      expect((await site.ask(head)).status).to.equal(503);
      expect(after).to.deep.equal(before);
    });
  });

  describe("a run in the background", () => {
    const { pass } = stopDate();

    /** Has a page made anew in the background, and gives what is served then. */
    async function madeAnew(handler: PageHandler): Promise<Reply> {
      const site = await open(handler, { page: stalePage });
      await site.ask();
      pass(11);
      expect((await site.ask()).text).to.equal("run 1");
      await site.cache.idle();
      expect(site.runs).to.equal(2);
      return site.ask();
    }

    it("has a request that ends, for a handler that reads it", async () => {
      const reply = await madeAnew(async (ctx, run) => {
        for await (const _ of ctx.req) expect.fail("there is no body");
        ctx.body = `run ${run}`;
      });
      expect(reply.text).to.equal("run 2");
    });

    it("has a request that ends, for a handler that pipes it on", async () => {
      const reply = await madeAnew(async (ctx, run) => {
        const upstream = new PassThrough();
        ctx.req.pipe(upstream).resume();
        await finished(upstream);
        ctx.body = `run ${run}`;
      });
      expect(reply.text).to.equal("run 2");
    });

    it("is complete, of the same version and from the same addresses", async () => {
      const seen: unknown[] = [];
      await madeAnew(async (ctx, run) => {
        for await (const _ of ctx.req) expect.fail("there is no body");
        const { httpVersion, httpVersionMajor, httpVersionMinor, complete, socket } = ctx.req;
        const { remoteAddress, remotePort, localAddress, localPort } = socket;
        const version = [httpVersion, httpVersionMajor, httpVersionMinor];
        seen.push([version, complete, [remoteAddress, remotePort, localAddress, localPort]]);
        ctx.body = `run ${run}`;
      });
      expect(seen[1]).to.deep.equal(seen[0]);
      expect(JSON.stringify(seen[0])).to.match(/^\[\["1.1",1,1\],true,\["127.0.0.1",\d+,"127/);
    });

    it("is one of HTTP/1.1 where the client speaks HTTP/2", async () => {
      const versions: string[] = [];
      const cache = new Cache();
      const app = new Koa();
      app.use(cache.page(stalePage)).use((ctx) => {
        versions.push(ctx.req.httpVersion);
        ctx.body = `run ${versions.length}`;
      });
      const server = createServer((req, res) => void app.callback()(req as never, res as never));
      await once(server.listen(0, "127.0.0.1"), "listening");
      const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      const ask = () => textOf(client.request());
      try {
        await ask();
        pass(11);
        expect(await ask()).to.equal("run 1");
        await cache.idle();
        expect(await ask()).to.equal("run 2");
        expect(versions).to.deep.equal(["2.0", "1.1"]);
      } finally {
        client.destroy();
        server.close();
        await cache.close();
      }
    });
  });

  it("a run in the background that hangs is waited for five seconds, then each runs his own", async () => {
    const clock = install({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    let release = (): void => undefined;
    try {
      const site = await open(
        async (ctx, run) => {
          if (run === 2) await new Promise<void>((resolve) => (release = resolve));
          ctx.body = `run ${run}`;
        },
        { page: stalePage },
      );
      await site.ask();
      clock.setSystemTime(Date.now() + 11_000);
      expect((await site.ask()).text).to.equal("run 1");
      await turnsUntil(() => site.runs === 2);
      clock.setSystemTime(Date.now() + 20_000);
      const others = [site.ask(), site.ask()];
      // They have come, and wait.
      await turns(50);
      clock.tick(4999);
      await turns(50);
      expect(site.runs).to.equal(2);
      clock.tick(1);
      await turnsUntil(() => site.runs === 4);
      const texts = (await Promise.all(others)).map(({ text }) => text);
      expect(texts.toSorted()).to.deep.equal(["run 3", "run 4"]);
      expect((await site.ask()).text).to.equal("run 5");
      // What comes in the end is there for the next one.
      release();
      await site.cache.idle();
      expect((await site.ask()).text).to.equal("run 2");
    } finally {
      release();
      clock.uninstall();
    }
  });
});

describe("over HTTP, what a handler says of a stored page, and a client of its age", () => {
  const open = sites();
  const { pass } = stopDate();

  /** Holds by its tag; what else it does when it is asked again. */
  const holding = (again: (ctx: Context) => unknown): PageHandler => {
    return (ctx, run) => {
      ctx.set({ ETag: '"v"', "Cache-Control": "max-age=10" });
      if (ctx.get("if-none-match") !== "") {
        ctx.status = 304;
        again(ctx);
      } else ctx.body = `run ${run}`;
    };
  };

  it("a 304 that read what the key does not cover says so, and emits `unkeyed`", async () => {
    const site = await open(
      holding((ctx) => ctx.set("X-User", ctx.cookies.get("user") ?? "")),
      { page: {} },
    );
    const events: CacheEvent[] = [];
    site.cache.on("unkeyed", (event) => events.push(event));
    await site.ask();
    pass(11);
    const reply = await site.ask(by("ann"));
    expect([reply.text, reply.headers["x-user"]]).to.deep.equal(["run 1", "ann"]);
    expect(reply.cacheStatus).to.contain('detail="unkeyed: cookie:user"');
    expect(events.map(({ detail }) => detail)).to.deep.equal(["cookie:user"]);
    const next = await site.ask();
    expect([next.text, next.headers["x-user"]]).to.deep.equal(["run 3", undefined]);
  });

  const refusing: readonly (readonly [string, string, string, string])[] = [
    ["Set-Cookie", "Set-Cookie", "id=1", "set-cookie"],
    ["Vary: *", "Vary", "*", "vary"],
    ["private", "Cache-Control", "private, max-age=10", "private"],
  ];
  for (const [name, field, value, detail] of refusing) {
    it(`a 304 with ${name} serves once, and nothing is kept`, async () => {
      const site = await open(
        holding((ctx) => ctx.set(field, value)),
        { page: {} },
      );
      await site.ask();
      pass(11);
      const reply = await site.ask();
      expect([reply.status, reply.text]).to.deep.equal([200, "run 1"]);
      expect(reply.cacheStatus).to.contain(`detail=${detail}`);
      expect([reply.headers[field.toLowerCase()]].flat().join()).to.contain(value);
      const next = await site.ask();
      expect(next.text).to.equal("run 3");
      expect([next.headers[field.toLowerCase()]].flat().join()).to.not.contain(value);
    });
  }

  it("a fresh page that the client does not want is told as fwd=request", async () => {
    const site = await open(answering({}), { page: { timeout: 60, obeyClient: true } });
    await site.ask();
    const reply = await site.ask({ headers: { "Cache-Control": "no-cache" } });
    expect(reply.text).to.equal("run 2");
    expect(reply.cacheStatus).to.match(/;\s*fwd=request\b/);
  });

  for (const [obeyClient, status] of [
    [true, 200],
    [false, 503],
  ] as const) {
    it(`stale-if-error of a client gives ${status} with obeyClient: ${obeyClient}`, async () => {
      const site = await open(
        (ctx, run) => {
          if (run > 1) ctx.throw(503);
          ctx.set({ ETag: '"v"', "Cache-Control": "max-age=10" });
          ctx.body = `run ${run}`;
        },
        { page: { obeyClient } },
      );
      await site.ask();
      pass(15);
      const ask = (seconds: number) =>
        site.ask({ headers: { "Cache-Control": `stale-if-error=${seconds}` } });
      expect((await ask(10)).status).to.equal(status);
      expect((await ask(4)).status).to.equal(503);
    });
  }

  it("must-understand forbids storing a status that is not understood", async () => {
    const runs = async (directives: string): Promise<number> => {
      const site = await open(
        (ctx, run) => {
          ctx.status = 418;
          ctx.set("Cache-Control", directives);
          ctx.body = `run ${run}`;
        },
        { page: { statuses: "all" } },
      );
      await site.askTimes(2);
      return site.runs;
    };
    expect(await runs("max-age=60")).to.equal(1);
    expect(await runs("max-age=60, must-understand")).to.equal(2);
    expect(await runs("max-age=60, must-understand, no-store")).to.equal(2);
  });

  it("in development a warning names the place where something uncovered was read, once", async () => {
    const warnings: (Error & { code?: string })[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on("warning", listen);
    try {
      const site = await open((ctx) => {
        ctx.body = ctx.cookies.get("told-in-development") ?? "none";
      });
      await site.askTimes(2);
      await tick();
      const told = warnings.filter(({ message }) => message.includes("told-in-development"));
      expect(told.map(({ code }) => code)).to.deep.equal(["ERR_UNKEYED"]);
      expect(told[0]!.message).to.match(/http-background\.spec\.ts:\d+:\d+/);
    } finally {
      process.off("warning", listen);
    }
  });
});
