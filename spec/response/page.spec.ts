import { expect } from "chai";
import type { Context, Middleware } from "koa";
import { Cache, OptionError, runInRequestContext, type CacheEvent } from "koa-caching";
import type { PageResult } from "../../src/index.js";
import { answering, sites, stopDate, type PageHandler } from "../support/page-site.js";

const language = (value: string) => ({ headers: { "Accept-Language": value } });

describe("a page under its name", () => {
  const open = sites();

  it("is found by get() and has(), with the latest of its variants", async () => {
    const site = await open((ctx) => {
      ctx.vary("Accept-Language");
      ctx.body = { language: ctx.get("accept-language") };
    });
    await site.ask({ path: "/a", ...language("de") });
    await site.ask({ path: "/a", ...language("en") });
    const page = await site.cache.get<PageResult>("page//a");
    expect(page).to.deep.include({ status: 200, body: { language: "en" } });
    expect(page!.headers["vary"]).to.equal("Accept-Language");
    expect(await site.cache.has("page//a")).to.equal(true);
    expect(await site.cache.get("page//b")).to.equal(undefined);
  });

  it("is deleted with every query, or with one alone", async () => {
    const site = await open(answering({}));
    const paths = ["/a", "/a?n=1", "/a?n=2", "/b"];
    const askAll = async () => {
      const replies = [];
      for (const path of paths) replies.push((await site.ask(path)).text);
      return replies;
    };
    await askAll();
    expect(await site.cache.delete("page//a?n=1")).to.equal(true);
    expect(await askAll()).to.deep.equal(["run 1", "run 5", "run 3", "run 4"]);
    expect(await site.cache.delete("page//a")).to.equal(true);
    expect(await askAll()).to.deep.equal(["run 6", "run 7", "run 8", "run 4"]);
    expect(await site.cache.delete("page//nowhere")).to.equal(false);
  });

  it("a deletion is stronger than a run that began before it", async () => {
    let proceed!: () => void;
    const gate = new Promise<void>((resolve) => (proceed = resolve));
    const site = await open(async (ctx, run) => {
      if (run === 1) await gate;
      ctx.body = `run ${run}`;
    });
    const first = site.ask("/a");
    while (site.runs === 0) await new Promise(setImmediate);
    await site.cache.delete("page//a");
    proceed();
    expect((await first).text).to.equal("run 1");
    expect((await site.ask("/a")).text).to.equal("run 2");
  });
});

describe("deleteCached() for responses", () => {
  const open = sites();

  it("deletes what a page stored for a path, on every host", async () => {
    let page!: Middleware;
    const site = await open(answering({}), {
      mount: (cache, handler) => {
        page = cache.page({ timeout: 60 });
        return (ctx, next) => page(ctx, () => handler(ctx, next) as Promise<void>);
      },
    });
    const hosts = ["a.example", "b.example"].map((Host) => ({ path: "/x", headers: { Host } }));
    for (const host of hosts) await site.ask(host);
    expect(await site.cache.deleteCached(page, "/x")).to.equal(true);
    expect(await site.cache.deleteCached(page, "/x")).to.equal(false);
    for (const host of hosts) await site.ask(host);
    expect(site.runs).to.equal(4);
  });

  it("deletes one query of a view, however it is written", async () => {
    const cache = new Cache();
    let runs = 0;
    const view = cache.cached({ timeout: 60 }, async (ctx: Context) => {
      ctx.body = `run ${(runs += 1)}`;
    });
    const site = await open(() => undefined, {
      mount: () => view as Middleware,
      outside: [cache.middleware()],
    });
    const queries = [{ b: 2, a: 1 }, "?a=1&b=2", new URLSearchParams("b=2&a=1")];
    for (const query of queries) {
      await site.ask("/x?a=1&b=2");
      await site.ask("/x?a=2");
      expect(await cache.deleteCached(view, "/x", { query })).to.equal(true);
    }
    expect(runs).to.equal(4);
    await cache.close();
  });

  it("refuses what is neither", async () => {
    const cache = new Cache();
    let failure: unknown;
    await cache.deleteCached(() => 1, "/").catch((error: unknown) => (failure = error));
    expect(failure).to.be.instanceOf(OptionError);
  });
});

describe("the callables of a page", () => {
  const open = sites();
  const clock = stopDate();

  it("are given the response and the context", async () => {
    const asked: unknown[] = [];
    const site = await open(answering({ "X-A": "1" }), {
      page: {
        timeout: (result, ctx) => (asked.push([result, ctx.path]), 10),
        shouldCache: ({ status }) => status === 200,
        tags: ({ headers }) => [`a:${String(headers["x-a"])}`],
      },
    });
    await site.ask("/p");
    const [[result, path]] = asked as [[PageResult, string]];
    expect([result.status, result.body, path]).to.deep.equal([200, "run 1", "/p"]);
    clock.pass(9);
    expect((await site.ask("/p")).text).to.equal("run 1");
    await site.cache.invalidateTags("a:1");
    expect((await site.ask("/p")).text).to.equal("run 2");
    clock.pass(11);
    expect((await site.ask("/p")).text).to.equal("run 3");
  });

  it("decide what is bypassed, made anew, refused and not stored", async () => {
    const site = await open(answering({}), {
      page: {
        timeout: 60,
        unless: (ctx) => ctx.query["no"] !== undefined,
        forcedUpdate: (ctx) => ctx.get("x-force") !== "",
        isStale: (page, ctx) => page.body === ctx.get("x-stale"),
        shouldCache: (page) => page.body !== "run 1",
      },
    });
    const ask = async (headers: Record<string, string> = {}, path = "/") =>
      (await site.ask({ path, headers })).text;
    expect(await ask()).to.equal("run 1");
    expect(await ask()).to.equal("run 2");
    expect(await ask()).to.equal("run 2");
    expect(await ask({ "X-Stale": "run 2" })).to.equal("run 3");
    expect(await ask({ "X-Force": "1" })).to.equal("run 4");
    expect(await ask()).to.equal("run 4");
    expect(await ask({}, "/?no")).to.equal("run 5");
    expect((await site.ask("/?no")).cacheStatus).to.contain("fwd=bypass");
  });

  it("that throw reject the request, and nobody hangs", async () => {
    const site = await open(answering({}), {
      page: {
        timeout: 60,
        tags: () => {
          throw new Error("mine");
        },
      },
    });
    const replies = await Promise.all([site.ask(), site.ask(), site.ask()]);
    expect(replies.map(({ status }) => status)).to.deep.equal([500, 500, 500]);
  });

  it("a wrong option throws where it is written", () => {
    const cache = new Cache();
    const wrong: readonly object[] = [
      { query: 7 },
      { keyPrefix: "" },
      { copy: true },
      { timeout: -1 },
      { vary: ["*"] },
      { statuses: [99] },
    ];
    for (const options of wrong) {
      expect(() => cache.page(options), JSON.stringify(options)).to.throw(OptionError);
    }
  });
});

describe("a view", () => {
  const open = sites();

  const opened = async (handler: PageHandler) => {
    const cache = new Cache();
    let runs = 0;
    const view = cache.cached({ timeout: 60 }, async function show(ctx: Context) {
      runs += 1;
      await handler(ctx, runs);
    });
    let last!: Context;
    const site = await open(() => undefined, {
      mount: () => async (ctx) => {
        last = ctx;
        await (ctx.query["refresh"] === undefined ? view(last) : view.refresh(last));
      },
      outside: [cache.middleware()],
    });
    return { cache, view, site, lastContext: () => last };
  };

  it("is made anew by refresh() and forgotten by invalidate()", async () => {
    const { cache, view, site, lastContext } = await opened(answering({}));
    await site.ask("/p");
    const ctx = lastContext();
    await runInRequestContext(ctx, async () => {
      expect(await view.makeCacheKey(ctx)).to.equal("view//p");
      expect(await view.invalidate(ctx)).to.equal(true);
    });
    expect((await site.ask("/p")).text).to.equal("run 2");
    expect((await site.ask("/p?refresh")).text).to.equal("run 3");
    expect((await site.ask("/p?refresh")).text).to.equal("run 4");
    await cache.close();
  });

  it("is a plain function for every other call", async () => {
    const cache = new Cache();
    let runs = 0;
    const twice = cache.cached({ timeout: 60 }, async (value?: unknown) => {
      runs += 1;
      return value === undefined ? "plain" : "given";
    });
    await runInRequestContext("/p", async () => {
      expect(await twice()).to.equal("plain");
      expect(await twice()).to.equal("plain");
    });
    expect(runs).to.equal(1);
    expect(await cache.get("view//p")).to.equal("plain");
  });

  it("counts hits and misses under the name of its function", async () => {
    const { cache, site } = await opened(answering({}));
    await site.askTimes(4);
    const counts = cache.stats().functions.get("show");
    expect(counts).to.include({ hits: 3, misses: 1, writes: 1 });
    await cache.close();
  });
});

describe("a page that is not cached", () => {
  const open = sites();
  const clock = stopDate();

  it("with enabled: false simply runs", async () => {
    const site = await open(answering({}), { cache: { enabled: false } });
    const replies = await site.askTimes(2);
    expect(replies.map(({ text, cacheStatus }) => [text, cacheStatus])).to.deep.equal([
      ["run 1", ""],
      ["run 2", ""],
    ]);
  });

  it("is told by an event for what it read, once a run", async () => {
    const site = await open((ctx) => {
      ctx.body = `${ctx.cookies.get("sid")} ${ctx.ip}`;
    });
    const events: CacheEvent[] = [];
    site.cache.on("unkeyed", (event) => events.push(event));
    await site.ask("/p");
    expect(events.map(({ key, detail }) => [key, detail])).to.deep.equal([
      ["page//p", "cookie:sid, ctx.ip"],
    ]);
  });

  it("makes nobody wait while it is remembered, and is stored as soon as it may be", async () => {
    let isPrivate = true;
    const site = await open(async (ctx, run) => {
      await new Promise(setImmediate);
      if (isPrivate) ctx.set("Cache-Control", "private");
      ctx.body = `run ${run}`;
    });
    await site.ask();
    isPrivate = false;
    await Promise.all([site.ask(), site.ask()]);
    const { runs } = site;
    await site.ask();
    expect(site.runs).to.equal(runs);
    clock.pass(3600);
    await Promise.all(Array.from({ length: 20 }, () => site.ask()));
    expect(site.runs).to.equal(runs + 1);
  });
});
