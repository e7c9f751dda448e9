// A Koa application whose one page is cached, for what renders fragments beneath `page()`.
import Koa from "koa";
import type { Cache } from "../../src/index.js";
import { serve } from "./app.js";

/** The application, served. */
export interface ServedPage {
  /** The body of a path. */
  readonly get: (path: string) => Promise<string>;
  /** How often the page was rendered. */
  readonly runs: () => number;
  readonly close: () => Promise<void>;
}

/** Serves what `render` gives. */
export async function servePage(cache: Cache, render: () => Promise<string>): Promise<ServedPage> {
  const app = new Koa();
  let runs = 0;
  cache.initApp(app);
  app.use(cache.page({ timeout: "1m" }));
  app.use(async (ctx) => {
    runs += 1;
    ctx.type = "html";
    ctx.body = await render();
  });
  const site = await serve(app);
  return {
    get: (path) => site.get(path),
    runs: () => runs,
    close: () => site.close(),
  };
}
