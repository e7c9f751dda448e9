// An application with users, sessions and themes: the same with and without a cache.
import Router from "@koa/router";
import Koa, { type Middleware } from "koa";
import mount from "koa-mount";
import { runInRequestContext, type Cache, type PageOptions } from "koa-caching";
import { LoginSite } from "./login-site.js";

/** Where the pages of the application are cached. */
export type Placing = "application" | "routes" | "views";

/** How the application is made. */
export interface LoginAppOptions {
  /** Without one nothing is cached. */
  readonly cache?: Cache | undefined;
  readonly placing?: Placing;
  /** Another middleware in place of `page()`, to see that a wrong one is caught. */
  readonly instead?: Middleware;
}

/** Makes the application. Each has a state of its own, which the same requests change alike. */
export function createLoginApp(options: LoginAppOptions = {}): Koa {
  const app = new Koa({ proxy: true });
  app.silent = true;
  const site = new LoginSite(options.cache);
  if (options.cache === undefined) app.use((ctx, next) => runInRequestContext(ctx, next));
  else options.cache.initApp(app);
  site.openSessions(app);
  app.use(site.identify);
  app.use(answerOrigin);
  app.use(rewrite);
  install(app, site, options);
  return app;
}

/** Places the pages: around all, around each route, or as views beneath a page without timeout. */
function install(app: Koa, site: LoginSite, { cache, placing, instead }: LoginAppOptions): void {
  const pageOf = (given: PageOptions): readonly Middleware[] =>
    cache === undefined ? [] : [cache.page(given)];
  const timeout = { timeout: 60, staleWhileRevalidate: 30 };
  if (instead !== undefined) app.use(instead);
  else if (placing === "application") for (const page of pageOf(timeout)) app.use(page);
  else if (placing === "views") for (const page of pageOf({})) app.use(page);
  const router = new Router({ strict: true, sensitive: true });
  const inner = new Router();
  for (const [path, handler] of Object.entries(site.pages())) {
    const isView = placing === "views" && cache !== undefined;
    const last = (isView ? cache.cached(timeout, handler) : handler) as Middleware;
    const pages = placing === "routes" ? pageOf({ ...timeout, vary: DECLARED[path] }) : [];
    router.get(path, ...pages, last);
    if (path.startsWith("/posts")) inner.get(path, ...pages, last);
  }
  for (const [route, handler] of Object.entries(site.actions())) {
    const [method, path] = route.split(" ") as ["post" | "put" | "delete", string];
    router[method](path, ...(placing === "routes" ? pageOf(timeout) : []), handler as Middleware);
  }
  for (const version of ["/v1", "/v2"]) {
    const part = new Koa();
    part.use((ctx, next) => (ctx.set("X-Version", version), next()));
    app.use(mount(version, part.use(inner.routes())));
  }
  app.use(router.routes());
}

/** What a page that is placed around a route may declare. */
const DECLARED: Readonly<Record<string, readonly string[]>> = {
  "/theme/declared": ["cookie:theme"],
  "/me/declared": ["Cookie", "Authorization"],
};

/** A nonce and the origin belong to the request that is answered, not to the page. */
const answerOrigin: Middleware = (ctx, next) => {
  const origin = ctx.get("origin");
  ctx.vary("Origin");
  if (origin !== "") ctx.set("Access-Control-Allow-Origin", origin);
  ctx.set("X-Request-Id", ctx.get("x-request-id") || "none");
  return next();
};

/** Old addresses of the posts. */
const rewrite: Middleware = (ctx, next) => {
  if (ctx.path.startsWith("/old/")) ctx.url = ctx.url.replace("/old/", "/posts/");
  return next();
};
