// The rules of a wrapped function: its options, checked where they are written and settled once.
import { lifetime, milliseconds, type Duration } from "./duration.js";
import { OptionError, show } from "./errors.js";
import { userTag } from "./versions.js";

/** A value, or a promise of it. */
export type Awaitable<T> = T | PromiseLike<T>;

/** Any function: what can be wrapped. */
export type AnyFunction = (...args: any[]) => any;

type Result<F extends AnyFunction> = Awaited<ReturnType<F>>;

/**
 * The options that `cached()` and `memoize()` share. Every callable may be asynchronous and is
 * called with the `this` of the call; what it throws rejects the call.
 */
export interface CallOptions<F extends AnyFunction = AnyFunction> {
  /**
   * How long a result is fresh, in seconds or as text with a unit; `0` never expires; or a function
   * of the result and the arguments. From Flask-Cache's `timeout`.
   * @default the cache's `timeout`
   */
  readonly timeout?:
    | Duration
    | ((result: Result<F>, ...args: Parameters<F>) => Awaitable<Duration>)
    | undefined;
  /** Truthy: the function runs and the cache is not touched at all. From Flask-Cache's `unless`. */
  readonly unless?: ((...args: Parameters<F>) => unknown) | undefined;
  /** Truthy: compute and store, whatever is there. Asked once a call. From Flask-Caching. */
  readonly forcedUpdate?: ((...args: Parameters<F>) => unknown) | undefined;
  /** Asked on hits only; truthy: the hit counts as a miss. From Flask-Caching's `is_stale`. */
  readonly isStale?: ((value: Result<F>, ...args: Parameters<F>) => unknown) | undefined;
  /** Falsy: the result is returned, not stored. From Flask-Caching's `response_filter`. */
  readonly shouldCache?: ((result: Result<F>, ...args: Parameters<F>) => unknown) | undefined;
  /** Names that outdate the result by `invalidateTags()`, or a function that gives them. */
  readonly tags?:
    | string
    | readonly string[]
    | ((result: Result<F>, ...args: Parameters<F>) => Awaitable<readonly string[]>)
    | undefined;
  /**
   * How long past its timeout a result is still served while it is computed anew in the background.
   * From RFC 5861, section 3.
   * @default 0
   */
  readonly staleWhileRevalidate?: Duration | undefined;
  /**
   * How long past its timeout a result is still served when computing it anew fails. From RFC 5861,
   * section 4.
   * @default 0
   */
  readonly staleIfError?: Duration | undefined;
  /**
   * `true`: each caller gets a copy of his own. `false`: all share one deep-frozen value, which is
   * cheaper for large objects.
   * @default true
   */
  readonly copy?: boolean | undefined;
  /**
   * The fraction of the timeout, from 0 to 1, of which a random part is taken off, so that entries
   * made together do not end together.
   * @default 0
   */
  readonly jitter?: number | undefined;
  /**
   * The β of probabilistic early refresh (XFetch): 1 is usual, more refreshes earlier, 0 never does.
   * @default 0
   */
  readonly earlyRefresh?: number | undefined;
}

/** The names of the shared options, for checking. */
export const CALL_OPTIONS: readonly string[] = [
  "timeout",
  "unless",
  "forcedUpdate",
  "isStale",
  "shouldCache",
  "tags",
  "staleWhileRevalidate",
  "staleIfError",
  "copy",
  "jitter",
  "earlyRefresh",
];

/** The arguments and the `this` of a call, which every callable is given. */
export interface Call {
  readonly self: unknown;
  readonly args: readonly unknown[];
}

/** Whether each caller gets a copy of a value, or all share one that is frozen. */
export type Sharing = "copy" | "freeze";

type Callable = (...args: unknown[]) => unknown;

/** Options settled: durations in milliseconds, callables known to be functions. */
export interface Rules {
  /** As given, because Flask-Cache lets it be read and replaced while the application runs. */
  timeout: Duration | Callable | undefined;
  readonly unless: Callable | undefined;
  readonly forcedUpdate: Callable | undefined;
  readonly isStale: Callable | undefined;
  readonly shouldCache: Callable | undefined;
  readonly tags: readonly string[];
  readonly tagsOf: Callable | undefined;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
  /** `undefined`: as the cache does it. */
  readonly sharing: Sharing | undefined;
  readonly jitter: number;
  readonly earlyRefresh: number;
}

/**
 * Settles the options of a wrapped function.
 *
 * @throws {OptionError} for a value that an option cannot have.
 */
export function settleRules(options: CallOptions): Rules {
  const { tags = [], staleWhileRevalidate = 0, staleIfError = 0 } = options;
  const { jitter = 0, earlyRefresh = 0 } = options;
  checkTimeout(options.timeout);
  return {
    timeout: options.timeout as Rules["timeout"],
    unless: callable(options.unless, "unless"),
    forcedUpdate: callable(options.forcedUpdate, "forcedUpdate"),
    isStale: callable(options.isStale, "isStale"),
    shouldCache: callable(options.shouldCache, "shouldCache"),
    tags: typeof tags === "function" ? [] : tagNames(tags, "tags"),
    tagsOf: typeof tags === "function" ? (tags as Callable) : undefined,
    staleWhileRevalidate: milliseconds(staleWhileRevalidate, "staleWhileRevalidate"),
    staleIfError: milliseconds(staleIfError, "staleIfError"),
    sharing: options.copy === undefined ? undefined : settleSharing(options.copy, "copy"),
    jitter: numberBetween(jitter, 1, "jitter"),
    earlyRefresh: numberBetween(earlyRefresh, Infinity, "earlyRefresh"),
  };
}

/** Checks a timeout as it may be written: a duration or a function. */
export function checkTimeout(timeout: unknown): void {
  if (timeout !== undefined && typeof timeout !== "function") milliseconds(timeout, "timeout");
}

/** Checks that an option is a function, where it is given. */
export function callable(value: unknown, option: string): Callable | undefined {
  if (value === undefined || typeof value === "function") return value as Callable | undefined;
  throw new OptionError(`${option} must be a function; got ${show(value)}.`);
}

/** Users' tags as they are stored; one name or a list. */
export function tagNames(given: unknown, option: string): readonly string[] {
  const names = typeof given === "string" ? [given] : given;
  if (!Array.isArray(names) || names.some((name) => typeof name !== "string" || name === "")) {
    throw new OptionError(
      `${option} must be names (non-empty texts) in a list; got ${show(given)}.`,
    );
  }
  return names.map((name: string) => userTag(name));
}

/** What the option `copy` means. */
export function settleSharing(copy: unknown, option: string): Sharing {
  if (typeof copy === "boolean") return copy ? "copy" : "freeze";
  throw new OptionError(`${option} must be true or false; got ${show(copy)}.`);
}

function numberBetween(value: unknown, most: number, option: string): number {
  if (typeof value === "number" && value >= 0 && value <= most && Number.isFinite(value)) {
    return value;
  }
  const range = most === Infinity ? "a finite number from 0 up" : `a number from 0 to ${most}`;
  throw new OptionError(`${option} must be ${range}; got ${show(value)}.`);
}

/** How long an entry may live if its timeout is known beforehand, with its stale time. */
export function expectedLife(rules: Rules, fallback: number): number {
  const fresh = expectedFresh(rules, fallback);
  return fresh + Math.max(rules.staleWhileRevalidate, rules.staleIfError);
}

/** How long an entry is fresh if its timeout is known beforehand. */
export function expectedFresh({ timeout }: Rules, fallback: number): number {
  return timeout === undefined || typeof timeout === "function"
    ? fallback
    : lifetime(timeout, "timeout");
}

/** How long a result is fresh, in milliseconds. */
export async function freshFor(
  rules: Rules,
  result: unknown,
  call: Call,
  fallback: number,
): Promise<number> {
  let { timeout } = rules;
  if (typeof timeout === "function") {
    timeout = (await timeout.call(call.self, result, ...call.args)) as Duration | undefined;
  }
  const fresh = timeout === undefined ? fallback : lifetime(timeout, "timeout");
  return rules.jitter === 0 ? fresh : fresh * (1 - rules.jitter * Math.random());
}
