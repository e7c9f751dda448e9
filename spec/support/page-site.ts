// A real server with one page behind a cache, for specs that speak HTTP to it.
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { install, type Clock } from "@sinonjs/fake-timers";
import Koa, { type Context, type Middleware } from "koa";
import { Cache, type CacheEvent, type CacheOptions, type PageOptions } from "koa-caching";
import { HttpClient, type Question, type Reply } from "./http-client.js";

/** The handler of the page; `run` counts its runs from 1. */
export type PageHandler = (ctx: Context, run: number) => unknown;

/** How a site is made. */
export interface SiteOptions {
  /** Options of `page()`; sixty seconds when they are left out. */
  readonly page?: PageOptions;
  readonly cache?: CacheOptions;
  /** Middleware outside of the page, the outermost first. */
  readonly outside?: readonly Middleware[];
  /** Makes the outermost middleware, where that needs the application. */
  readonly outermost?: (app: Koa) => readonly Middleware[];
  /** Another Koa than the installed one. */
  readonly koa?: typeof Koa;
  /** Options of the application. */
  readonly app?: ConstructorParameters<typeof Koa>[0];
  /** Makes the page of the handler in another way than by `page()`. */
  readonly mount?: (cache: Cache, handler: Middleware, app: Koa) => Middleware;
}

/** A running site. */
export interface PageSite {
  readonly cache: Cache;
  /** How often the handler has run. */
  readonly runs: number;
  /** The port of the site. */
  readonly port: number;
  /** What the application reported by its `error` event. */
  readonly failures: readonly unknown[];
  /** The errors that the cache told of. */
  readonly errors: readonly CacheEvent[];
  readonly client: HttpClient;
  ask(question?: Question | string): Promise<Reply>;
  /** The same request as often as said, one after the other. */
  askTimes(times: number, question?: Question | string): Promise<readonly Reply[]>;
  close(): Promise<void>;
}

/** Opens a site. */
export async function openSite(handler: PageHandler, options: SiteOptions = {}): Promise<PageSite> {
  const cache = new Cache(options.cache);
  const app = new (options.koa ?? Koa)(options.app) as Koa;
  const failures: unknown[] = [];
  const errors: CacheEvent[] = [];
  app.on("error", (error) => failures.push(error));
  cache.on("error", (event) => errors.push(event));
  cache.initApp(app);
  const outermost = options.outermost?.(app) ?? [];
  for (const middleware of [...outermost, ...(options.outside ?? [])]) app.use(middleware);
  let runs = 0;
  const run: Middleware = async (ctx) => {
    runs += 1;
    await handler(ctx, runs);
  };
  if (options.mount === undefined) {
    app.use(cache.page(options.page ?? { timeout: 60 }));
    app.use(run);
  } else {
    app.use(options.mount(cache, run, app));
  }
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = new HttpClient(port);
  const ask = (question?: Question | string) => client.ask(question);
  return {
    cache,
    failures,
    errors,
    client,
    port,
    get runs() {
      return runs;
    },
    ask,
    askTimes: async (times, question) => {
      const replies: Reply[] = [];
      while (replies.length < times) replies.push(await ask(question));
      return replies;
    },
    close: () => close(server, client, cache),
  };
}

async function close(server: Server, client: HttpClient, cache: Cache): Promise<void> {
  client.close();
  server.closeAllConnections();
  server.close();
  await cache.close();
}

/** Opens sites that are closed after each spec of the surrounding `describe`. */
export function sites(): typeof openSite {
  const open: PageSite[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((site) => site.close()));
  });
  return async (handler, options) => {
    const site = await openSite(handler, options);
    open.push(site);
    return site;
  };
}

/** A date that stands still until it is moved, while timers go on as sockets need them. */
export interface PageClock {
  pass(seconds: number): void;
}

/** Stops the date before each spec of the surrounding `describe`. */
export function stopDate(): PageClock {
  let clock: Clock;
  beforeEach(() => {
    clock = install({ now: Math.floor(Date.now() / 1000) * 1000, toFake: ["Date"] });
  });
  afterEach(() => clock.uninstall());
  return { pass: (seconds) => clock.setSystemTime(Date.now() + seconds * 1000) };
}

/** A handler that sets fields and answers with the number of its run. */
export function answering(fields: Readonly<Record<string, string | string[]>>): PageHandler {
  return (ctx, run) => {
    ctx.set(fields as Record<string, string | string[]>);
    ctx.body = `run ${run}`;
  };
}
