// The servers that bench/page.ts measures, each in a process of its own.
import { AsyncLocalStorage } from "node:async_hooks";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import Koa, { type Middleware } from "koa";
import { Cache } from "../src/index.js";

// It has no types.
const koaCash = createRequire(import.meta.url)("koa-cash") as (options: object) => Middleware;

/** A body of about 8 KB. */
const BODY = {
  posts: Array.from({ length: 40 }, (_, id) => ({
    id,
    title: `The title of post ${id}`,
    tags: ["one", "two", "three"],
    text: "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor.",
    likes: id * 17,
  })),
};

const render: Middleware = (ctx) => {
  ctx.body = BODY;
};

/** A route of another path that the request passes by. */
const elsewhere =
  (middleware: Middleware): Middleware =>
  (ctx, next) =>
    ctx.path === "/other" ? middleware(ctx, next) : next();

/** Looks at nothing, but could. */
const inert: Middleware = (_ctx, next) => next();

const keepInMap = (): Middleware => {
  const kept = new Map<string, { readonly type: string; readonly body: string }>();
  return async (ctx, next) => {
    const hit = kept.get(ctx.url);
    if (hit !== undefined) {
      ctx.type = hit.type;
      ctx.body = hit.body;
      return;
    }
    await next();
    kept.set(ctx.url, { type: ctx.type, body: JSON.stringify(ctx.body) });
  };
};

/** What is measured, by name. */
export const SCENARIOS: Readonly<Record<string, (app: Koa) => void>> = {
  "bare Koa": (app) => void app.use(render),
  "AsyncLocalStorage alone": (app) => {
    const storage = new AsyncLocalStorage();
    app.use((ctx, next) => storage.run({ ctx }, next));
    app.use(elsewhere(render));
    app.use(render);
  },
  "middleware alone": (app) => {
    app.use(new Cache().middleware());
    app.use(elsewhere(render));
    app.use(render);
  },
  "koa-cash": (app) => {
    const kept = new Map<string, unknown>();
    app.use(
      koaCash({
        get: (key: string) => Promise.resolve(kept.get(key)),
        set: (key: string, value: unknown) => Promise.resolve(void kept.set(key, value)),
      }),
    );
    app.use(async (ctx, next) => {
      const { cashed } = ctx as unknown as { cashed: () => Promise<boolean> };
      if (!(await cashed.call(ctx))) await next();
    });
    app.use(render);
  },
  "a Map by hand": (app) => {
    app.use(keepInMap());
    app.use(render);
  },
  "a Map in AsyncLocalStorage": (app) => {
    const storage = new AsyncLocalStorage();
    app.use((ctx, next) => storage.run({ ctx }, next));
    app.use(keepInMap());
    app.use(render);
  },
  "page, hit": (app) => {
    const cache = new Cache();
    cache.initApp(app);
    app.use(cache.page({ timeout: 600 }));
    app.use(render);
  },
  "page, hit, not outermost": (app) => {
    app.use(inert);
    const cache = new Cache();
    cache.initApp(app);
    app.use(cache.page({ timeout: 600 }));
    app.use(render);
  },
  "page, miss": (app) => {
    const cache = new Cache({ memory: { bytes: 32 * 1024 * 1024 } });
    cache.initApp(app);
    app.use(cache.page({ timeout: 600 }));
    app.use(render);
  },
  "page, uncached route": (app) => {
    const cache = new Cache();
    cache.initApp(app);
    app.use(elsewhere(cache.page({ timeout: 600 })));
    app.use(render);
  },
};

const scenario = SCENARIOS[process.argv[2] ?? ""];
if (scenario !== undefined && process.send !== undefined) {
  const app = new Koa();
  scenario(app);
  const server = app.listen(0, "127.0.0.1", () => {
    process.send!((server.address() as AddressInfo).port);
  });
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    process.send!(user + system);
  });
}
