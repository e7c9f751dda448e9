// The facade: everything an application does with a cache.
import type Koa from "koa";
import { planCached, settleCached, type CachedOptions } from "./cached.js";
import { currentScope } from "./computations.js";
import type { CacheOptions } from "./config.js";
import type { Duration } from "./duration.js";
import { add, checkKey, checkKeys, clear, pairsOf, set, type Pairs } from "./direct.js";
import { Engine } from "./engine.js";
import { OptionError, show } from "./errors.js";
import type { CacheEventName, CacheListener } from "./events.js";
import type { FragmentOptions } from "./fragment/arguments.js";
import { fragmentsOf } from "./fragment/claimed.js";
import { FRAGMENTS, type FragmentCache } from "./fragment/fragments.js";
import { makeTemplateFragmentKey, type VaryValue } from "./fragment/key.js";
import { fragmentsMiddleware } from "./fragment/middleware.js";
import { checkFunction, wrapping, type Wrapping } from "./forms.js";
import {
  memoizeMany,
  type LoadMany,
  type ManyWrapper,
  type MemoizeManyOptions,
} from "./memoize-many.js";
import {
  memoizeFunction,
  settleMemoize,
  type Memoized,
  type MemoizeOptions,
  type Memoizing,
} from "./memoize.js";
import { memoizeMethod } from "./methods.js";
import { checkOptions } from "./options.js";
import { requestContext, runInRequestContext, tryCurrentContext } from "./request/context.js";
import { isUnsafe } from "./response/invalidation.js";
import { queryFrom, type Query } from "./response/key.js";
import { pagePlan } from "./response/middlewares.js";
import { pageMiddleware } from "./response/page.js";
import { PAGE_OPTIONS, type PageOptions } from "./response/page-options.js";
import { runUnsafe } from "./response/page-pass.js";
import { taskOf } from "./response/revalidate.js";
import { locate, removeAll, type Located } from "./response/stored-pages.js";
import { pageName } from "./response/visit.js";
import {
  CALL_OPTIONS,
  settleRules,
  tagNames,
  type AnyFunction,
  type CallOptions,
} from "./rules.js";
import type { CacheStats } from "./stats.js";
import { ROOT } from "./versions.js";
import { unwrap, wrap, type Wrapped, type Wrapper } from "./wrap.js";

declare module "koa" {
  interface ExtendableContext {
    /** The cache whose `initApp()` was given this application; the last one, if several were. */
    cache: Cache;
  }
}

// Where the adapters of template engines find the fragments of a cache.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- set by the constructor
export interface Cache extends FragmentCache {}

/**
 * A cache: it wraps functions, and holds values by key.
 *
 * It may be created, and functions may be wrapped, before it is configured by `initApp()`; options
 * are settled when it is first used. From Flask-Cache's `Cache`.
 *
 * @example
 * export const cache = new Cache({ timeout: "5m" });
 * export const listPosts = cache.cached({ keyPrefix: "posts" }, async () => database.posts());
 * cache.initApp(app);
 */
export class Cache {
  readonly #engine: Engine;
  readonly #middleware: Koa.Middleware = requestContext((ctx, next) => {
    const changes = this.#engine.hasPages && isUnsafe(ctx.method);
    return changes && this.#engine.enabled ? () => runUnsafe(this.#engine, ctx, next) : next;
  });

  /** @throws {OptionError} for an unknown option or a value that an option cannot have. */
  constructor(options: CacheOptions = {}) {
    this.#engine = new Engine(options);
    Object.defineProperty(this, FRAGMENTS, { value: fragmentsOf(this.#engine) });
  }

  /**
   * Installs the request context in an application and sets `ctx.cache`. From Flask-Cache's
   * `init_app`.
   *
   * @param options win over those of the constructor
   * @throws {OptionError} for wrong options, and for options given after the first use
   */
  initApp(app: Koa<any, any>, options: CacheOptions = {}): void {
    if (typeof (app as Koa | undefined)?.use !== "function" || typeof app.context !== "object") {
      throw new OptionError(`initApp() takes a Koa application; got ${show(app)}.`);
    }
    this.#engine.configure(options);
    Object.defineProperty(app.context, "cache", {
      value: this,
      writable: true,
      configurable: true,
    });
    app.use(this.#middleware);
  }

  /** The middleware that installs the request context. It may be installed more than once. */
  middleware(): Koa.Middleware {
    return this.#middleware;
  }

  /**
   * A middleware that stores the responses of what is beneath it and answers from them, as a
   * shared HTTP cache does (RFC 9111). Without `timeout` it stores what carries its own lifetime.
   *
   * @throws {OptionError} for wrong options
   * @example
   * app.use(cache.page({ timeout: "1m", staleWhileRevalidate: "10m" }));
   */
  page(options: PageOptions = {}): Koa.Middleware {
    checkOptions(options, PAGE_OPTIONS, "page()");
    return pageMiddleware(this.#engine, options);
  }

  /** Whether the request being served is no client's, but makes a stored page anew. */
  get revalidating(): boolean {
    const context = tryCurrentContext();
    return context !== undefined && taskOf(context) !== undefined;
  }

  /**
   * Wraps a function so that its result is kept for the path of the request being served, or for
   * the key that `keyPrefix` says. The wrapper must be called within a request context; it always
   * gives a promise. From Flask-Cache's `cached`.
   *
   * @returns the wrapper, or what makes it: `cached(options)(fn)`, `@cache.cached(options)`
   * @throws {OptionError} for wrong options
   * @example
   * const sidebar = cache.cached({ timeout: "5m", keyPrefix: "sidebar" }, async () => render());
   */
  cached(options?: CachedOptions): Wrapping;
  cached<F extends AnyFunction>(options: CachedOptions<F>, fn: F): Wrapper<F>;
  cached(options: CachedOptions = {}, ...given: readonly AnyFunction[]): unknown {
    const settled = settleCached(options);
    const make = (target: AnyFunction, name: string): AnyFunction =>
      wrap(this.#engine, target, planCached(this.#engine, { name, fn: target }, settled));
    if (given.length > 0) {
      const fn = checkFunction("cached", given[0]);
      return make(fn, nameOf(fn));
    }
    return wrapping("cached", {
      wrapFunction: (target) => make(target, nameOf(target)),
      wrapMethod: (method, { name }) => make(method, String(name)),
    });
  }

  /**
   * Deletes what a cached function, a view or a page stored for a path, with all variants. From
   * Flask-Caching's `delete_cached`.
   *
   * @param path of the request; the one being served, if it is left out
   * @param query one query of a view or page; all of them, if it is left out
   * @returns whether something was stored
   * @throws {OptionError} for what is neither wrapped by `cached()` nor made by `page()` of this cache
   */
  async deleteCached(
    fn: AnyFunction,
    path?: string,
    { query }: { readonly query?: Query | undefined } = {},
  ): Promise<boolean> {
    const nameOfPath = this.#namer(fn);
    const name = await (path === undefined ? nameOfPath() : runInRequestContext(path, nameOfPath));
    const asked = queryFrom(query);
    return this.delete(asked === undefined ? name : `${name}?${asked}`);
  }

  /**
   * Wraps a function so that its result is kept for its arguments. Needs no request context. From
   * Flask-Cache's `memoize`.
   *
   * As a decorator it memoizes a method for each instance, told apart by `[cachingId]()` or by
   * identity.
   *
   * @returns the wrapper, or what makes it: `memoize(options)(fn)`, `@cache.memoize(options)`
   * @throws {OptionError} for wrong options and for a function without a name
   * @throws {DuplicateNameError} for another function of the same inferred name
   * @example
   * const addUp = cache.memoize({ timeout: "5m" }, async function addUp(a: number, b: number) {
   *   return a + b;
   * });
   */
  memoize(options?: MemoizeOptions): Memoizing;
  memoize<F extends AnyFunction>(options: MemoizeOptions<F>, fn: F): Memoized<F>;
  memoize(options: MemoizeOptions = {}, ...given: readonly AnyFunction[]): unknown {
    const settled = settleMemoize(options);
    const make = (target: AnyFunction): AnyFunction =>
      memoizeFunction(this.#engine, settled, target);
    if (given.length > 0) return make(checkFunction("memoize", given[0]));
    return wrapping("memoize", {
      wrapFunction: make,
      wrapMethod: (method, context) => memoizeMethod(this.#engine, settled, method, context),
    });
  }

  /**
   * Wraps a function of many ids so that its results are kept by id: one read for all ids, one call
   * with those that are missing, one write; one computation an id at a time.
   *
   * @throws {OptionError} for wrong options and for a function without a name
   * @example
   * const getUsers = cache.memoizeMany({ timeout: "5m" }, async function getUsers(ids: number[]) {
   *   const rows = await database.users(ids);
   *   return new Map(rows.map((row) => [row.id, row]));
   * });
   */
  memoizeMany<Id, Value>(
    options: MemoizeManyOptions<Id, Value>,
    load: LoadMany<Id, Value>,
  ): ManyWrapper<Id, Value> {
    return memoizeMany(this.#engine, options, checkFunction("memoizeMany", load)) as ManyWrapper<
      Id,
      Value
    >;
  }

  /**
   * The same function, typed with the attributes of a memoized function, which a decorator cannot
   * add to a method's type.
   *
   * @throws {OptionError} for a function that is not memoized by this cache
   * @example
   * await cache.memoized(adder.add).invalidate(3);
   */
  memoized<F extends AnyFunction>(fn: F): Memoized<F> {
    this.#unwrap(fn, "memoize", "memoized");
    return fn as unknown as Memoized<F>;
  }

  /**
   * Forgets what a memoized function stored: all of it, in one write however much there is, or that
   * of one list of arguments, `undefined` included. For an instance's method (`adder.add`) that of
   * the instance, for `Adder.prototype.add` that of all instances. From Flask-Cache's
   * `delete_memoized`.
   *
   * @param fn the wrapper, or a name that was given explicitly
   * @returns for one list of arguments, whether something was stored
   * @throws {OptionError} for a function that is not memoized by this cache
   */
  deleteMemoized(fn: AnyFunction | string): Promise<void>;
  deleteMemoized(fn: AnyFunction | string, ...args: readonly unknown[]): Promise<boolean>;
  async deleteMemoized(fn: AnyFunction | string, ...args: readonly unknown[]): Promise<unknown> {
    const { tag, keyOf } = this.#memoized(fn, "deleteMemoized");
    if (args.length > 0) return this.delete((await keyOf(args)).text);
    await this.#engine.lookup.versions.outdate([tag()!]);
    return undefined;
  }

  /**
   * Removes the version of a memoized function, which forgets all of its results as
   * `deleteMemoized(fn)` does. From Flask-Cache's `delete_memoized_verhash`.
   *
   * @throws {OptionError} for a function that is not memoized by this cache
   */
  async deleteMemoizedVerhash(fn: AnyFunction | string): Promise<void> {
    await this.#engine.lookup.versions.forget([this.#memoized(fn, "deleteMemoizedVerhash").tag()!]);
  }

  /**
   * The value of a key; `undefined` if there is none. The key of a page, such as `view//posts`,
   * gives its latest response as `{ status, headers, body }`.
   */
  async get<T = unknown>(key: string): Promise<T | undefined> {
    const [value] = await this.getMany<T>([key]);
    return value;
  }

  /** The values of keys, in their order; `undefined` where there is none. */
  async getMany<T = unknown>(keys: readonly string[]): Promise<(T | undefined)[]> {
    const found = await this.#find(checkKeys(keys, "getMany"));
    return found.map((entry) => entry?.give() as T | undefined);
  }

  /** The values that there are, by key. */
  async getDict<T = unknown>(keys: readonly string[]): Promise<Map<string, T>> {
    const found = await this.#find(checkKeys(keys, "getDict"));
    const pairs = found.flatMap((entry, index): [string, T][] =>
      entry === undefined ? [] : [[keys[index]!, entry.give() as T]],
    );
    return new Map(pairs);
  }

  /** Whether there is a value, `undefined` and `null` included. */
  async has(key: string): Promise<boolean> {
    const [entry] = await this.#find([checkKey(key)]);
    return entry !== undefined;
  }

  /**
   * Stores a value.
   *
   * @throws {NotCarriableError} for a value that would not come back equal
   */
  async set(key: string, value: unknown, timeout?: Duration): Promise<void> {
    await this.#set([[key, value]], timeout);
  }

  /** Stores values, given as a Map, an object or a list of pairs. */
  async setMany(
    values: Readonly<Record<string, unknown>> | Iterable<readonly [string, unknown]>,
    timeout?: Duration,
  ): Promise<void> {
    await this.#set(pairsOf(values), timeout);
  }

  /**
   * Stores a value if its key has none. Atomic in memory and on Redis; elsewhere two processes that
   * add at the same moment may both succeed.
   *
   * @returns whether it was stored
   */
  async add(key: string, value: unknown, timeout?: Duration): Promise<boolean> {
    const { lookup, stats } = this.#engine;
    const added = await add(lookup, [checkKey(key), value], timeout);
    if (added) stats.direct.writes += 1;
    return added;
  }

  /** Deletes a value; tells whether there was one. */
  async delete(key: string): Promise<boolean> {
    const [existed] = await this.deleteMany([key]);
    return existed!;
  }

  /** Deletes values; tells for each whether there was one. */
  async deleteMany(keys: readonly string[]): Promise<boolean[]> {
    return removeAll(this.#engine, checkKeys(keys, "deleteMany"));
  }

  /** Empties this cache's namespace, and nothing else. */
  async clear(): Promise<void> {
    await clear(this.#engine.lookup);
  }

  /** Outdates everything that carries one of the tags, in every process. */
  async invalidateTags(...tags: readonly string[]): Promise<void> {
    const place = tags.findIndex((tag) => typeof tag !== "string" || tag === "");
    if (place !== -1) {
      const wrong: unknown = tags[place];
      const hint = Array.isArray(wrong) ? " A list is given as invalidateTags(...tags)." : "";
      throw new OptionError(
        "invalidateTags() takes names (non-empty texts), one after the other; " +
          `got ${show(wrong)}.${hint}`,
      );
    }
    await this.#engine.lookup.versions.outdate(tagNames(tags, "invalidateTags()"));
  }

  /**
   * The engine itself, for those who want no wrapper: the value of a key, computed if it is not
   * stored. One computation a key at a time; needs no request context.
   */
  async fetch<T>(key: string, options: CallOptions, compute: () => T): Promise<Awaited<T>> {
    checkKeys([key], "fetch");
    checkOptions(options, CALL_OPTIONS, "fetch()");
    checkFunction("fetch", compute);
    const rules = settleRules(options);
    const { lookup, stats, enabled } = this.#engine;
    if (!enabled || (await rules.unless?.())) return await compute();
    const question = {
      key,
      rules,
      tags: [ROOT, ...rules.tags],
      name: undefined,
      owner: undefined,
      check: undefined,
      shortcut: undefined,
      counts: stats.direct,
      call: { self: undefined, args: [] },
    };
    const intent = (await rules.forcedUpdate?.()) ? "renew" : "use";
    return lookup.fetch(question, compute, intent) as Promise<Awaited<T>>;
  }

  /**
   * A part of a page, rendered once and kept under its name and the values that it varies on, for
   * any template engine. What is read while it is rendered leaves its tags on it.
   *
   * @param name the fragment's name
   * @param render gives the text, or a promise of it
   * @returns the text
   * @throws {OptionError} for wrong options
   * @throws {FragmentError} when `render` gives no text
   * @example
   * const html = await cache.fragment("sidebar", { timeout: "5m", varyOn: [user.id] }, () => render());
   */
  async fragment(
    name: string,
    options: FragmentOptions,
    render: () => string | Promise<string>,
  ): Promise<string> {
    checkFunction("fragment", render);
    return this[FRAGMENTS].fragment(name, options, render);
  }

  /**
   * Renders a page whose templates hold `cache` tags, a layout included: all fragments of a nesting
   * level are read in one read, only the missing ones run, and all new ones are stored in one write.
   *
   * @param run renders, and gives the text or a promise of it
   * @returns the text with all fragments in it
   * @example
   * ctx.body = await cache.withFragments(() => template(data));
   */
  async withFragments(run: () => string | Promise<string>): Promise<string> {
    return this[FRAGMENTS].render(run);
  }

  /** The middleware that does so around every `ctx.render()`; installed after what sets it. */
  fragmentsMiddleware(): Koa.Middleware {
    return fragmentsMiddleware(this[FRAGMENTS]) as Koa.Middleware;
  }

  /**
   * The key of a fragment: predictable, and different for different names and values. From
   * Flask-Cache's `make_template_fragment_key`.
   */
  makeTemplateFragmentKey(name: string, varyOn: readonly VaryValue[] = []): string {
    return makeTemplateFragmentKey(name, varyOn);
  }

  /** Deletes a fragment; without values, the one that varies on none. Tells whether there was one. */
  async deleteFragment(name: string, varyOn: readonly VaryValue[] = []): Promise<boolean> {
    return this.delete(makeTemplateFragmentKey(name, varyOn));
  }

  /** Listens to an event; gives the function that stops listening. */
  on(event: CacheEventName, listener: CacheListener): () => void {
    return this.#engine.events.on(event, listener);
  }

  /** Stops listening. */
  off(event: CacheEventName, listener: CacheListener): void {
    this.#engine.events.off(event, listener);
  }

  /** Counts and hit ratio, in all and for each wrapped function. */
  stats(): CacheStats {
    return this.#engine.stats.snapshot();
  }

  /** Resolves when background work is done. */
  async idle(): Promise<void> {
    await this.#engine.idle();
  }

  /** Ends the connections that this cache opened itself. */
  async close(): Promise<void> {
    await this.#engine.close();
  }

  async #find(keys: readonly string[]): Promise<readonly (Located | undefined)[]> {
    const { lookup, stats } = this.#engine;
    const found = await locate(this.#engine, keys);
    for (const one of found) {
      if (one !== undefined) currentScope()?.carry(one.entry.carried, lookup.versions);
    }
    const hits = found.filter((entry) => entry !== undefined).length;
    stats.direct.hits += hits;
    stats.direct.misses += keys.length - hits;
    return found;
  }

  async #set(pairs: Pairs, timeout: Duration | undefined): Promise<void> {
    const { lookup, stats } = this.#engine;
    stats.direct.writes += await set(lookup, pairs, timeout);
  }

  /** What makes the key of a cached function, or the name of a page, in the request at hand. */
  #namer(fn: AnyFunction): () => Promise<string> {
    const plan = pagePlan(fn);
    if (plan?.engine === this.#engine) return () => pageName(plan);
    const { keyOf } = this.#unwrap(fn, "cached", "deleteCached");
    return async () => {
      const context = tryCurrentContext();
      return (await keyOf(context === undefined ? [] : [context])).text;
    };
  }

  #memoized(fn: AnyFunction | string, method: string): Wrapped {
    const target = typeof fn === "string" ? this.#engine.names.explicit(fn) : fn;
    return this.#unwrap(target, "memoize", method);
  }

  #unwrap(fn: unknown, kind: Wrapped["kind"], method: string): Wrapped {
    const found = unwrap(fn);
    if (found?.engine === this.#engine && found.kind === kind) return found;
    const got = found === undefined ? show(fn) : `one wrapped by ${found.kind}()`;
    const where = found === undefined || found.engine === this.#engine ? "" : " of another cache";
    throw new OptionError(
      `${method}() takes a function wrapped by ${kind}() of this cache; got ${got}${where}.`,
    );
  }
}

function nameOf(fn: AnyFunction): string {
  return fn.name === "" ? "anonymous" : fn.name;
}
