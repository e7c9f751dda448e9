// The demo as a Koa application.
import { fileURLToPath } from "node:url";
import Koa, { type Middleware } from "koa";
import serve from "koa-static";
import { type DemoState, recordActivity } from "./activity.js";
import { cache } from "./cache.js";
import { milliseconds } from "./format.js";
import { router } from "./routes.js";
import { show, withPanel } from "./views.js";

/** What can be different about the demo. */
export interface DemoOptions {
  /** Where the cache keeps its values: `memory:`, `redis://…`. */
  readonly store?: string;
  /** Where a line about each request goes. */
  readonly log?: (line: string) => void;
}

/** Puts the demo together. */
export function createApp({ store, log = () => {} }: DemoOptions = {}): Koa<DemoState> {
  const app = new Koa<DemoState>();
  cache.initApp(app, store === undefined ? {} : { store });
  app.use(recordActivity(cache));
  app.use(logRequests(log));
  app.use(securityHeaders);
  app.use(showPanel);
  app.use(showErrors);
  app.use(serve(fileURLToPath(new URL("public", import.meta.url))));
  app.use(cache.page({ timeout: "10m" }));
  app.use(router.routes()).use(router.allowedMethods({ throw: true }));
  return app;
}

function logRequests(log: (line: string) => void): Middleware<DemoState> {
  return async (ctx, next) => {
    await next();
    const { activity } = ctx.state;
    const counts = `${activity.hits()} from the cache, ${activity.misses()} computed`;
    const took = milliseconds(activity.elapsed());
    log(`${ctx.method} ${ctx.originalUrl} ${ctx.status} ${took}, ${counts}`);
  };
}

// READMEs are the work of strangers: should one get past the sanitizer, the browser runs nothing.
const securityHeaders: Middleware<DemoState> = async (ctx, next) => {
  ctx.set({
    "Content-Security-Policy":
      "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
  });
  await next();
};

const showPanel: Middleware<DemoState> = async (ctx, next) => {
  await next();
  if (typeof ctx.body !== "string") return;
  ctx.body = withPanel(ctx.body, ctx.state.activity);
  // The validator of the stored page is not that of the page with a panel in it.
  ctx.remove("ETag");
};

const showErrors: Middleware<DemoState> = async (ctx, next) => {
  try {
    await next();
    if (ctx.status === 404 && ctx.body == null)
      ctx.throw(404, "There is no such page, or no such package is installed.");
  } catch (error) {
    const { status = 500, expose = false, message } = error as Error & Partial<ErrorFacts>;
    if (!expose) ctx.app.emit("error", error, ctx);
    ctx.status = status;
    await show(ctx, "error", `Error ${status}`, {
      message: expose ? message : "Something went wrong.",
    });
  }
};

interface ErrorFacts {
  status: number;
  expose: boolean;
}
