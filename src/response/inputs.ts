// Notices which inputs that tell who somebody is are read while a handler runs.
import type { Context } from "koa";
import { applicationPlace } from "./place.js";
import { watchHeaders } from "./request-headers.js";
import { shadow, type Shadow } from "./shadow.js";
import { StateView } from "./state-view.js";

/**
 * An input that tells who somebody is. `cookie` is all of the `Cookie` field, `cookie:<name>` one
 * cookie of it.
 */
export type Input =
  | "cookie"
  | `cookie:${string}`
  | "authorization"
  | "proxy-authorization"
  | "ctx.session"
  | "ctx.ip"
  | "ctx.state.user";

/** What was read, and where in the code, if that was asked for. */
export type InputReads = ReadonlyMap<Input, string | undefined>;

/** How inputs are watched. */
export interface WatchOptions {
  /** Request fields as the handlers see them; `undefined` hides one. */
  readonly fields?: Readonly<Record<string, string | undefined>>;
  /** Whether the place of each first read is kept: dear, so for development. */
  readonly places?: boolean;
  /** Told of each input when it is read for the first time. */
  readonly onRead?: ((input: Input) => void) | undefined;
}

/** A watch that stands until it ends. */
export interface InputWatch {
  readonly reads: InputReads;
  /** Whether all of `ctx.state` was listed while no user was in it. */
  readonly isStateListed: boolean;
  /**
   * The handlers are done, but their body still flows: from now on, what `isOutside` says to come
   * from a middleware outside does not count.
   */
  release(isOutside: () => boolean): void;
  /** Takes everything away again. What is read later does not count. */
  end(): void;
}

/** Begins to watch what is read of a request. */
export function watchInputs(ctx: Context, options: WatchOptions = {}): InputWatch {
  const log = new ReadLog(options);
  const address = ctx.app.proxyIpHeader.toLowerCase();
  // `ctx.headers`, `ctx.get()` and `ctx.accepts()` all read `req.headers`.
  const endHeaders = watchHeaders(ctx.req, {
    fields: options.fields ?? {},
    read: (name) => {
      if (name === address) log.add("ctx.ip");
      else if (isCredential(name)) log.add(name);
    },
  });
  const shadows = [
    watchCookies(ctx, log),
    watchSession(ctx, log),
    watchAddress(ctx, log),
    watchState(ctx, log),
  ];
  return {
    reads: log.reads,
    get isStateListed() {
      return log.isStateListed;
    },
    release: (isOutside) => {
      log.isOutside = isOutside;
    },
    end: () => {
      log.isOutside = () => true;
      // The last one first, which leaves the objects as fast as they were.
      for (const placed of shadows.toReversed()) placed?.remove();
      endHeaders();
    },
  };
}

/** What has been read so far. */
class ReadLog {
  readonly reads: Map<Input, string | undefined> = new Map();
  readonly #options: WatchOptions;
  isOutside: () => boolean = () => false;
  isStateListed = false;
  #muted = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  add(input: Input): void {
    if (this.#muted || this.reads.has(input) || this.isOutside()) return;
    this.reads.set(input, this.#options.places === true ? applicationPlace() : undefined);
    this.#options.onRead?.(input);
  }

  listState(): void {
    if (!this.#muted && !this.isOutside()) this.isStateListed = true;
  }

  /** Runs something that reads on its own account, at once. */
  muted<T>(run: () => T): T {
    const before = this.#muted;
    this.#muted = true;
    try {
      return run();
    } finally {
      this.#muted = before;
    }
  }
}

function watchCookies(ctx: Context, log: ReadLog): Shadow | undefined {
  let known: { readonly cookies: unknown; readonly proxy: object } | undefined;
  return shadow(ctx, "cookies", {
    get: (beneath) => {
      const cookies = log.muted(() => beneath.get()) as object;
      if (known?.cookies !== cookies) {
        known = { cookies, proxy: new Proxy(cookies, cookiesHandler(log)) };
      }
      return known.proxy;
    },
  });
}

/** What Koa's `Cookies` has besides its methods; the request tells of its headers by itself. */
const SETTINGS: ReadonlySet<unknown> = new Set(["request", "response", "keys", "secure"]);

/** Setting a cookie reads nothing; every other way but `get(name)` may read them all. */
function cookiesHandler(log: ReadLog): ProxyHandler<object> {
  return {
    get: (cookies, property, proxy) => {
      const value = Reflect.get(cookies, property) as unknown;
      if (typeof value !== "function") {
        if (!SETTINGS.has(property)) log.add("cookie");
        return value;
      }
      return (...args: readonly unknown[]) => {
        if (property !== "set") {
          log.add(property === "get" ? `cookie:${String(args[0])}` : "cookie");
        }
        const result = log.muted(() => Reflect.apply(value, cookies, args) as unknown);
        return result === cookies ? proxy : result;
      };
    },
  };
}

/** Writing the session counts too: a stored response would not write it. */
function watchSession(ctx: Context, log: ReadLog): Shadow | undefined {
  return shadow(ctx, "session", {
    get: (beneath) => (log.add("ctx.session"), log.muted(() => beneath.get())),
    set: (beneath, value) => (log.add("ctx.session"), beneath.set(value)),
  });
}

function watchAddress(ctx: Context, log: ReadLog): Shadow | undefined {
  return shadow(ctx.request, "ip", {
    get: (beneath) => (log.add("ctx.ip"), beneath.get()),
  });
}

function watchState(ctx: Context, log: ReadLog): Shadow | undefined {
  let known: { readonly state: object; readonly proxy: object } | undefined;
  const view = new StateView({
    look: () => log.add("ctx.state.user"),
    list: () => log.listState(),
  });
  return shadow(ctx, "state", {
    get: (beneath) => {
      const state = beneath.get();
      if (typeof state !== "object" || state === null) return state;
      if (known?.state !== state) known = { state, proxy: new Proxy(state, view) };
      return known.proxy;
    },
    set: (beneath, value) => {
      view.isOwn = true;
      beneath.set(value);
    },
  });
}

function isCredential(name: string): name is "cookie" | "authorization" | "proxy-authorization" {
  return name === "cookie" || name === "authorization" || name === "proxy-authorization";
}

/**
 * What was read that no part of the key covers: a cookie is covered by its name or with all of
 * `Cookie`, and so is the session, which is found by its cookie. Who a user is may come from
 * anywhere: only a key that is made of it covers it.
 */
export function uncovered(reads: InputReads, covered: ReadonlySet<string>): readonly Input[] {
  const byCookie = (input: Input) => input.startsWith("cookie:") || input === "ctx.session";
  return [...reads.keys()].filter(
    (input) => !covered.has(input) && !(byCookie(input) && covered.has("cookie")),
  );
}
