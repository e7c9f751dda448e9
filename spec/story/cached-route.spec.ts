import { setImmediate as immediate, setTimeout as delay } from "node:timers/promises";
import { install } from "@sinonjs/fake-timers";
import { expect } from "chai";
import Router from "@koa/router";
import Koa, { type Context } from "koa";
import mount from "koa-mount";
import {
  Cache,
  currentContext,
  runInRequestContext,
  tryCurrentContext,
  type RequestContextError,
} from "../../src/index.js";
import { serve, type RunningApp } from "../support/app.js";

describe("a Koa application with cached functions", () => {
  const running: RunningApp[] = [];

  async function start(app: Koa): Promise<RunningApp> {
    app.silent = true;
    const site = await serve(app);
    running.push(site);
    return site;
  }

  afterEach(async () => {
    await Promise.all(running.splice(0).map((site) => site.close()));
  });

  /** A site whose helpers know the request although nobody passes it to them. */
  function posts(cache: Cache): { app: Koa; runs: string[] } {
    const runs: string[] = [];
    const query = cache.cached({ timeout: 60 }, async function query() {
      const { path } = currentContext();
      runs.push(path);
      await immediate();
      return { path, number: runs.length };
    });
    const load = async (): Promise<unknown> => query();
    const render = async (): Promise<string> => JSON.stringify(await load());
    const router = new Router();
    router.get(["/posts", "/posts/:id", "/users"], async (ctx) => {
      ctx.body = await render();
    });
    const app = new Koa();
    cache.initApp(app);
    app.use(router.routes());
    return { app, runs };
  }

  it("computes once a path, three calls beneath the handler (C04, K167)", async () => {
    const { app, runs } = posts(new Cache());
    const site = await start(app);
    const first = await site.get("/posts");
    expect(JSON.parse(first)).to.deep.equal({ path: "/posts", number: 1 });
    expect(await site.get("/posts")).to.equal(first);
    expect(await site.get("/posts?page=2")).to.equal(first);
    expect(JSON.parse(await site.get("/posts/7"))).to.deep.equal({ path: "/posts/7", number: 2 });
    expect(runs).to.deep.equal(["/posts", "/posts/7"]);
  });

  it("keeps concurrent requests apart, and computes once for those of one path", async () => {
    const { app, runs } = posts(new Cache());
    const site = await start(app);
    const paths = Array.from({ length: 60 }, (_, index) => `/posts/${index % 6}`);
    const answers = await Promise.all(paths.map((path) => site.get(path)));
    for (const [index, answer] of answers.entries()) {
      expect((JSON.parse(answer) as { path: string }).path).to.equal(paths[index]);
    }
    expect(runs.toSorted()).to.deep.equal([0, 1, 2, 3, 4, 5].map((id) => `/posts/${id}`));
  });

  it("never shows one request another's context, whatever they wait for", async () => {
    const app = new Koa();
    new Cache().initApp(app);
    app.use(async (ctx) => {
      const seen: string[] = [];
      const look = async (wait: () => Promise<unknown>): Promise<void> => {
        await wait();
        seen.push(currentContext().path);
      };
      await Promise.all([
        look(() => immediate()),
        look(() => delay(Number(ctx.path.slice(1)) % 4)),
        look(() => Promise.resolve()),
      ]);
      expect(currentContext() === (ctx as unknown)).to.equal(true);
      ctx.body = seen;
    });
    const site = await start(app);
    const paths = Array.from({ length: 40 }, (_, index) => `/${index}`);
    const answers = await Promise.all(paths.map((path) => site.get(path)));
    expect(answers.map((answer) => JSON.parse(answer) as unknown)).to.deep.equal(
      paths.map((path) => [path, path, path]),
    );
  });

  it("works with two caches installed, each with entries of its own", async () => {
    const [one, two] = [new Cache(), new Cache({ namespace: "two" })];
    let runs = 0;
    const fast = one.cached({}, async () => (runs += 1));
    const slow = two.cached({}, async () => `slow ${(runs += 1)} over ${await fast()}`);
    const app = new Koa();
    one.initApp(app);
    two.initApp(app);
    app.use(one.middleware());
    app.use(async (ctx) => {
      expect(ctx.cache).to.equal(two);
      ctx.body = `${await fast()}, ${await slow()}`;
    });
    const site = await start(app);
    const first = await site.get("/");
    expect(first).to.equal("1, slow 2 over 1");
    expect(await site.get("/")).to.equal(first);
    expect(runs).to.equal(2);
  });

  it("lets a handler forget what a path has (K187)", async () => {
    const cache = new Cache();
    let number = 0;
    const list = cache.cached({}, async () => (number += 1));
    const router = new Router();
    router.get("/posts", async (ctx) => {
      ctx.body = `${await list()}`;
    });
    router.post("/posts", async (ctx) => {
      ctx.body = `${await ctx.cache.deleteCached(list, "/posts")}`;
    });
    const app = new Koa();
    cache.initApp(app);
    app.use(router.routes());
    const site = await start(app);
    expect([await site.get("/posts"), await site.get("/posts")]).to.deep.equal(["1", "1"]);
    expect(await (await site.fetch("/posts", { method: "POST" })).text()).to.equal("true");
    expect(await site.get("/posts")).to.equal("2");
  });

  it("keeps mounted applications apart: the path is the one the client sent", async () => {
    const cache = new Cache();
    let runs = 0;
    const page = cache.cached({}, async () => `${currentContext().path} ${(runs += 1)}`);
    const sub = new Koa();
    sub.use(async (ctx) => {
      ctx.body = await page();
    });
    const app = new Koa();
    cache.initApp(app);
    app.use(mount("/a", sub));
    app.use(mount("/b", sub));
    const site = await start(app);
    expect([await site.get("/a/x"), await site.get("/b/x"), await site.get("/a/x")]).to.deep.equal([
      "/x 1",
      "/x 2",
      "/x 1",
    ]);
  });

  it("keeps a rewritten path apart from the path it is rewritten to", async () => {
    const cache = new Cache();
    let runs = 0;
    const page = cache.cached({}, async () => (runs += 1));
    const app = new Koa();
    app.use((ctx, next) => {
      if (ctx.path === "/old") ctx.path = "/new";
      return next();
    });
    cache.initApp(app);
    app.use(async (ctx) => {
      ctx.body = `${await page()}`;
    });
    const site = await start(app);
    expect([await site.get("/old"), await site.get("/new"), await site.get("/old")]).to.deep.equal([
      "1",
      "2",
      "1",
    ]);
  });

  it("serves one cache in several applications", async () => {
    const cache = new Cache();
    let runs = 0;
    const shared = cache.cached({ keyPrefix: "shared" }, async () => (runs += 1));
    const make = (): Koa => {
      const app = new Koa();
      cache.initApp(app);
      return app.use(async (ctx) => {
        ctx.body = `${await shared()}`;
      });
    };
    const [one, two] = [await start(make()), await start(make())];
    expect([await one.get("/a"), await two.get("/b")]).to.deep.equal(["1", "1"]);
  });

  it("without the middleware answers with an error that names it", async () => {
    const cache = new Cache();
    const sidebar = cache.cached({}, async function sidebar() {
      return 1;
    });
    const app = new Koa();
    const errors: unknown[] = [];
    app.on("error", (error) => errors.push(error));
    app.use(async (ctx) => {
      ctx.body = await sidebar();
    });
    const site = await start(app);
    expect((await site.fetch("/")).status).to.equal(500);
    const [error] = errors as [RequestContextError];
    expect(error.code).to.equal("ERR_NO_REQUEST_CONTEXT");
    expect(error.message).to.contain("sidebar()").and.contain("app.use(cache.middleware())");
  });

  it("used as a handler a cached function caches the response", async () => {
    const cache = new Cache();
    let runs = 0;
    const view = cache.cached({ timeout: 50 }, async function view(ctx: Context) {
      runs += 1;
      ctx.body = `run ${runs}`;
    });
    const app = new Koa();
    cache.initApp(app);
    app.use(view);
    const site = await start(app);
    expect([await site.get("/"), await site.get("/")]).to.deep.equal(["run 1", "run 1"]);
  });

  it("leaves no context behind when requests are over, whether they fail or not", async () => {
    const app = new Koa();
    const after: unknown[] = [];
    app.on("error", () => after.push(tryCurrentContext()));
    new Cache().initApp(app);
    app.use((ctx) => {
      if (ctx.path === "/fail") throw new Error("failed");
      ctx.body = "fine";
    });
    const site = await start(app);
    expect([await site.get("/"), (await site.fetch("/fail")).status]).to.deep.equal(["fine", 500]);
    expect(after).to.deep.equal([undefined]);
    expect(tryCurrentContext()).to.equal(undefined);
  });

  it("answers a failing source from what is there, as long as it was told to (staleIfError)", async () => {
    const cache = new Cache();
    cache.on("error", () => undefined);
    let down = false;
    const news = cache.cached({ timeout: "1ms", staleIfError: "1h" }, async () => {
      if (down) throw new Error("the source is down");
      return "news";
    });
    const app = new Koa();
    cache.initApp(app);
    app.use(async (ctx) => {
      ctx.body = await news();
    });
    const site = await start(app);
    const clock = install({ now: Date.now(), toFake: ["Date"] });
    try {
      expect(await site.get("/")).to.equal("news");
      down = true;
      clock.setSystemTime(Date.now() + 5);
      expect(await site.get("/")).to.equal("news");
    } finally {
      clock.uninstall();
    }
  });

  const broken: Readonly<Record<string, () => unknown>> = {
    throws: () => {
      throw new Error("broken store");
    },
    rejects: () => Promise.reject(new Error("broken store")),
    hangs: () => new Promise(() => undefined),
    "answers with garbage": () => "garbage",
  };
  for (const [how, act] of Object.entries(broken)) {
    it(`goes on with a store that ${how}: each request runs the function once`, async () => {
      class Broken extends Map<string, unknown> {
        override get(): unknown {
          return act();
        }
        override set(): this {
          return act() as this;
        }
        override delete(): boolean {
          return act() as boolean;
        }
      }
      const cache = new Cache({ store: new Broken(), storeTimeout: "20ms" });
      const errors: unknown[] = [];
      cache.on("error", ({ error }) => errors.push(error));
      const { app, runs } = posts(cache);
      const site = await start(app);
      for (const number of [1, 2, 3]) {
        expect(JSON.parse(await site.get("/posts"))).to.deep.equal({ path: "/posts", number });
      }
      expect(runs).to.have.length(3);
      if (how !== "answers with garbage") expect(errors).not.to.deep.equal([]);
      await cache.close();
    });
  }

  it("knows the request in the events of ctx.req and ctx.res where it is told", async () => {
    const cache = new Cache();
    const sidebar = cache.cached({}, async () => currentContext().path);
    const finished: Promise<string>[] = [];
    const app = new Koa();
    cache.initApp(app);
    app.use((ctx) => {
      ctx.res.on("finish", () => finished.push(runInRequestContext(ctx, () => sidebar())));
      ctx.body = "fine";
    });
    const site = await start(app);
    expect(await site.get("/late")).to.equal("fine");
    await immediate();
    expect(await Promise.all(finished)).to.deep.equal(["/late"]);
  });
});
