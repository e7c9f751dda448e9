// The options of a cache: their meaning, defaults and checks.
import { lifetime, milliseconds, type Duration } from "./duration.js";
import { OptionError, show } from "./errors.js";
import { checkOptions } from "./options.js";
import { settleSharing, type Sharing } from "./rules.js";

/** Options of `new Cache()` and `cache.initApp()`; the later ones win. */
export interface CacheOptions {
  /**
   * Where values live: a URL (`memory:`, `null:`, `redis:`, `rediss:`, `valkey:`, `memcache:`,
   * `sqlite:`, `postgresql:`, `mysql:` …), a Keyv, a Keyv storage adapter, or a `Map`.
   * @default "memory:"
   */
  readonly store?: unknown;
  /**
   * The default timeout, in seconds or as text with a unit; `0` never expires.
   * @default 300
   */
  readonly timeout?: Duration | undefined;
  /**
   * Keeps this cache apart from every other one on the same store.
   * @default "koa-caching"
   */
  readonly namespace?: string | undefined;
  /** The bounds of the memory store. */
  readonly memory?: MemoryOptions | undefined;
  /**
   * `false`: every wrapped function simply runs.
   * @default true
   */
  readonly enabled?: boolean | undefined;
  /**
   * Failures of the store throw instead of becoming `error` events; for tests.
   * @default false
   */
  readonly strict?: boolean | undefined;
  /**
   * `"warn"`: the null store says once that caching is off. From Flask-Cache's
   * `CACHE_NO_NULL_WARNING`.
   * @default "warn"
   */
  readonly onNullStore?: "warn" | "silent" | undefined;
  /**
   * How long an operation of the store may take before it counts as failed.
   * @default 1
   */
  readonly storeTimeout?: Duration | undefined;
  /** After how many failures in a row a store is left alone, and for how long. */
  readonly breaker?: BreakerOptions | undefined;
}

/** The bounds of the memory store. */
export interface MemoryOptions {
  /** @default 10 000 */
  readonly entries?: number | undefined;
  /** @default 64 MiB */
  readonly bytes?: number | undefined;
  /**
   * `false`: all callers share one deep-frozen value instead of getting copies.
   * @default true
   */
  readonly copy?: boolean | undefined;
}

/** When a failing store is left alone. */
export interface BreakerOptions {
  /** @default 5 */
  readonly failures?: number | undefined;
  /** @default 5 seconds */
  readonly rest?: Duration | undefined;
}

/** Options with their defaults; durations in milliseconds. */
export interface Settings {
  readonly store: unknown;
  readonly life: number;
  readonly namespace: string;
  readonly memory: { readonly entries: number; readonly bytes: number };
  readonly sharing: Sharing;
  readonly enabled: boolean;
  readonly strict: boolean;
  readonly onNullStore: "warn" | "silent";
  readonly storeTimeout: number;
  readonly breaker: { readonly failures: number; readonly rest: number };
}

const CACHE_OPTIONS = [
  "store",
  "timeout",
  "namespace",
  "memory",
  "enabled",
  "strict",
  "onNullStore",
  "storeTimeout",
  "breaker",
];

/**
 * Checks options and fills in the defaults.
 *
 * @throws {OptionError} for an unknown name or a value that an option cannot have.
 */
export function settleOptions(options: CacheOptions, where: string): Settings {
  checkOptions(options, CACHE_OPTIONS, where);
  const { store = "memory:", timeout = 300, namespace = "koa-caching" } = options;
  const { enabled = true, strict = false, onNullStore = "warn", storeTimeout = 1 } = options;
  const { memory = {}, breaker = {} } = options;
  checkOptions(memory, ["entries", "bytes", "copy"], `${where}, memory`);
  checkOptions(breaker, ["failures", "rest"], `${where}, breaker`);
  const { entries = 10_000, bytes = 64 * 1024 * 1024, copy = true } = memory;
  const { failures = 5, rest = 5 } = breaker;
  return {
    store,
    life: lifetime(timeout, "timeout"),
    namespace: text(namespace, "namespace"),
    memory: {
      entries: count(entries, "memory.entries"),
      bytes: count(bytes, "memory.bytes"),
    },
    sharing: settleSharing(copy, "memory.copy"),
    enabled: flag(enabled, "enabled"),
    strict: flag(strict, "strict"),
    onNullStore: oneOf(onNullStore, ["warn", "silent"], "onNullStore"),
    storeTimeout: positive(storeTimeout, "storeTimeout"),
    breaker: {
      failures: count(failures, "breaker.failures"),
      rest: positive(rest, "breaker.rest"),
    },
  };
}

function text(value: unknown, option: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new OptionError(`${option} must be a non-empty text; got ${show(value)}.`);
}

function flag(value: unknown, option: string): boolean {
  if (typeof value === "boolean") return value;
  throw new OptionError(`${option} must be true or false; got ${show(value)}.`);
}

function count(value: unknown, option: string): number {
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
  throw new OptionError(`${option} must be a whole number from 1 up; got ${show(value)}.`);
}

function positive(value: unknown, option: string): number {
  const length = milliseconds(value, option);
  if (length > 0) return length;
  throw new OptionError(`${option} must be longer than no time at all; got ${show(value)}.`);
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], option: string): T {
  if (allowed.includes(value as T)) return value as T;
  const names = allowed.map((name) => show(name)).join(" or ");
  throw new OptionError(`${option} must be ${names}; got ${show(value)}.`);
}
