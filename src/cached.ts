// cached(): results keyed by the path of the request being served.
import type { Context } from "koa";
import type { Engine } from "./engine.js";
import type { Entry } from "./entry.js";
import { RequestContextError } from "./errors.js";
import { ownerName, ownerOf } from "./judgement.js";
import { checkOptions } from "./options.js";
import type { Question } from "./record.js";
import { currentRequest } from "./request/context.js";
import { answer } from "./response/page.js";
import {
  RESPONSE_OPTIONS,
  settleKeyPrefix,
  settleResponse,
  type Asked,
  type PagePlan,
  type ResponseOptions,
  type ResponseRules,
} from "./response/page-options.js";
import { removeNamed } from "./response/stored-pages.js";
import { Uncacheable } from "./response/uncacheable.js";
import {
  CALL_OPTIONS,
  callable,
  settleRules,
  type AnyFunction,
  type Awaitable,
  type Call,
  type CallOptions,
  type Rules,
} from "./rules.js";
import type { MaybePromise } from "./store/store.js";
import { ROOT } from "./versions.js";
import { checkKey, type Key, type Plan, type Responding } from "./wrap.js";

/** Options of `cached()`. */
export interface CachedOptions<F extends AnyFunction = AnyFunction>
  extends CallOptions<Asked<F>>, ResponseOptions {
  /**
   * The key: text, in which every `%s` is replaced by the path of the request being served, or a
   * callable that is given the call's arguments and gives the whole key. From Flask-Cache's
   * `key_prefix`.
   * @default "view/%s"
   */
  readonly keyPrefix?: string | ((...args: Parameters<F>) => Awaitable<string>) | undefined;
  /**
   * Replaces the building of keys altogether; given the call's arguments. Of a handler's key it is
   * not known what it was made of: inputs that tell who somebody is are declared by `vary`, or by
   * `keyPrefix`. From Flask-Caching.
   */
  readonly makeCacheKey?: ((...args: Parameters<F>) => Awaitable<string>) | undefined;
}

const OPTIONS = [...CALL_OPTIONS, ...RESPONSE_OPTIONS, "keyPrefix", "makeCacheKey"];
const DEFAULT_PREFIX = "view/%s";

/**
 * Checks the options of `cached()`.
 *
 * @throws {OptionError}
 */
export function settleCached(options: CachedOptions): Settled {
  checkOptions(options, OPTIONS, "cached()");
  const { keyPrefix = DEFAULT_PREFIX } = options;
  return {
    ...settleResponse(options),
    rules: settleRules(options),
    keyPrefix: settleKeyPrefix(keyPrefix),
    makeCacheKey: callable(options.makeCacheKey, "makeCacheKey") as AnyFunction | undefined,
  };
}

/** Checked options of `cached()`. */
export interface Settled extends ResponseRules {
  readonly rules: Rules;
  readonly keyPrefix: string | AnyFunction;
  readonly makeCacheKey: AnyFunction | undefined;
}

/** The plan of a cached function. */
export function planCached(
  engine: Engine,
  { name, fn }: { readonly name: string; readonly fn: AnyFunction },
  settled: Settled,
): Plan {
  const { keyPrefix, makeCacheKey } = settled;
  // Options are read at each call, so every function has rules of its own to change.
  const rules = { ...settled.rules };
  const counts = engine.stats.of(name);
  const tags = [ROOT, ...rules.tags];
  const owner =
    keyPrefix === DEFAULT_PREFIX ? ownerOf(name, engine.ordinal(name), String(fn)) : undefined;
  const table = new Map<unknown, Entry>();
  const view = planView(engine, { ...settled, rules }, { name, owner: owner && ownerName(owner) });
  const byPath = typeof keyPrefix === "string" && keyPrefix.includes("%s");
  return {
    kind: "cached",
    name,
    tag: () => undefined,
    rules,
    makeCacheKey,
    admit: () => admit(name),
    respond: (call, how) => respond(view, call, how),
    remove: (key) => removeNamed(engine, key),
    reach: (frame, first) => {
      const request = frame?.request;
      // A handler's call is refused further on, and a call outside of a request, too.
      if (request === undefined || first === request.context) return undefined;
      return table.get(byPath ? request.path : "");
    },
    keyOf: (call) => keyOf(name, keyPrefix, call),
    question: (call, { text, check }): Question => ({
      key: text,
      check,
      owner,
      tags,
      name,
      counts,
      rules,
      call,
      shortcut:
        typeof keyPrefix === "function" || call.args.length > 1
          ? undefined
          : { table, place: byPath ? currentRequest()?.path : "" },
    }),
  };
}

/** The plan of the responses, for calls as a handler. */
function planView(
  engine: Engine,
  settled: Settled,
  { name, owner }: Pick<PagePlan, "name" | "owner">,
): PagePlan {
  return {
    ...settled,
    engine,
    name,
    owner,
    counts: engine.stats.of(name),
    hasDefault: true,
    uncacheable: new Uncacheable(),
    table: new Map(),
  };
}

/** A call with Koa's context first is a handler's: its response is cached. */
function respond(view: PagePlan, { args }: Call, how: Responding): Promise<void> | undefined {
  const request = currentRequest();
  if (request === undefined || args[0] !== request.context) return undefined;
  view.engine.hasPages = true;
  return answer(view, request.context as Context, how);
}

/** A call must stand in a request, whatever its key. */
function admit(name: string): void {
  if (currentRequest() === undefined)
    throw new RequestContextError(`The cached function ${name}()`);
}

function keyOf(name: string, keyPrefix: Settled["keyPrefix"], call: Call): MaybePromise<Key> {
  if (typeof keyPrefix === "function") return calledKey(name, keyPrefix, call);
  if (!keyPrefix.includes("%s")) return { text: keyPrefix, check: undefined };
  const path = currentRequest()?.path;
  if (path === undefined) throw new RequestContextError(`The key of the cached function ${name}()`);
  return { text: keyPrefix.replaceAll("%s", () => path), check: undefined };
}

function calledKey(name: string, keyPrefix: AnyFunction, { self, args }: Call): MaybePromise<Key> {
  const made: unknown = keyPrefix.apply(self, args as unknown[]);
  const check = (text: unknown): Key => ({
    text: checkKey(text, "keyPrefix", name),
    check: undefined,
  });
  const thenable = made as PromiseLike<unknown> | undefined;
  return typeof thenable?.then === "function" ? Promise.resolve(thenable).then(check) : check(made);
}
