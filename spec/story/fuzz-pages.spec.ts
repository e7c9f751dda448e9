import { install, type Clock } from "@sinonjs/fake-timers";
import { expect } from "chai";
import type { Context, Middleware } from "koa";
import { Cache, type PageOptions } from "koa-caching";
import { createLoginApp, type Placing } from "../support/login-app.js";
import { connectTo, type Connection } from "../support/memory-connection.js";
import { fuzz, type FuzzReport } from "../support/page-fuzzer.js";
import { SocketConnections } from "../support/socket-connection.js";

const SEED = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const PAIRS = Number(process.env["FUZZ_PAIRS"] ?? 100_000);

describe(`random requests to an application with users (FUZZ_SEED=${SEED})`, function () {
  this.timeout(600_000);
  let clock: Clock;
  const environment = process.env["NODE_ENV"];
  beforeEach(() => {
    // Places in the code, which are looked up in development, are dear.
    process.env["NODE_ENV"] = "production";
    clock = install({ toFake: ["Date"] });
  });
  afterEach(() => {
    clock.uninstall();
    if (environment === undefined) delete process.env["NODE_ENV"];
    else process.env["NODE_ENV"] = environment;
  });

  const pass = (seconds: number) => clock.setSystemTime(Date.now() + seconds * 1000);
  const compare = (cached: Connection, pairs: number, seed = SEED): Promise<FuzzReport> =>
    fuzz({ seed, pairs, pass, cached, plain: connectTo(createLoginApp()) });

  const placings: readonly (readonly [Placing, string])[] = [
    ["application", "with a page around all of it"],
    ["routes", "with a page around each route"],
    ["views", "with views beneath a page"],
  ];
  for (const [placing, name] of placings) {
    it(`${name} are answered as without a cache`, async () => {
      const cache = new Cache({ memory: { entries: 3000 } });
      const app = createLoginApp({ cache, placing });
      const report = await compare(connectTo(app), Math.ceil(PAIRS / placings.length));
      await cache.close();
      same(report);
      expect(report.hits).to.be.above(report.requests / 20, "hits");
      expect(report.collapsed).to.be.above(report.requests / 1000, "collapsed");
      expect(report.notModified).to.be.above(report.requests / 1000, "304");
    });
  }

  it("over sockets are answered as without a cache", async () => {
    const cache = new Cache({ store: new Map() });
    const sockets = new SocketConnections();
    const report = await fuzz({
      seed: SEED,
      pairs: Math.ceil(PAIRS / 50),
      pass,
      cached: await sockets.connect(createLoginApp({ cache, placing: "application" })),
      plain: await sockets.connect(createLoginApp()),
    });
    sockets.close();
    await cache.close();
    same(report);
    expect(report.hits).to.be.above(report.requests / 50, "hits");
  });

  describe("find out", () => {
    it("that two applications without a cache answer alike", async () => {
      same(await compare(connectTo(createLoginApp()), 2000));
    });

    const mistakes: readonly (readonly [string, (page: Middleware) => Middleware, PageOptions?])[] =
      [
        ["the host", withoutHost],
        ["the query", (page) => page, { query: false }],
        ["what was read", unwatched],
      ];
    it("an application that does not tell what it changed", async () => {
      const cache = new Cache();
      const app = createLoginApp({ cache, placing: "application" });
      cache.invalidateTags = () => Promise.resolve();
      const { difference } = await compare(connectTo(app), 20_000, 1);
      await cache.close();
      expect(difference).to.be.a("string");
    });

    for (const [what, spoil, options] of mistakes) {
      it(`a page that does not know ${what}`, async () => {
        const cache = new Cache();
        const page = spoil(cache.page({ timeout: 60, ...options }));
        const app = createLoginApp({ cache, instead: page });
        const { difference } = await compare(connectTo(app), 20_000, 1);
        await cache.close();
        expect(difference).to.be.a("string");
      });
    }
  });
});

/** Says what differs in full. */
function same({ difference }: FuzzReport): void {
  if (difference !== undefined) throw new Error(difference);
}

/** All hosts are one to the page. */
function withoutHost(page: Middleware): Middleware {
  return (ctx, next) => {
    Object.defineProperty(ctx.request, "host", { value: "one.example", configurable: true });
    return page(ctx, () => {
      Reflect.deleteProperty(ctx.request, "host");
      return next();
    });
  };
}

/** The handlers read past the page. */
function unwatched(page: Middleware): Middleware {
  return (ctx, next) => {
    const { cookies } = ctx as Context;
    const { headers } = ctx.req;
    return page(ctx, () => {
      Object.defineProperty(ctx, "cookies", { value: cookies, configurable: true });
      Object.defineProperty(ctx.req, "headers", { value: headers, configurable: true });
      return next();
    });
  };
}
