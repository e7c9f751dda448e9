// Every error koa-caching throws or reports, and every message it renders.

/** The codes of all errors of this library, for `switch (error.code)`. */
export type CacheErrorCode =
  | "ERR_NO_REQUEST_CONTEXT"
  | "ERR_OPTION"
  | "ERR_KEY_CONFLICT"
  | "ERR_DUPLICATE_NAME"
  | "ERR_ARGUMENT_KEY"
  | "ERR_NOT_CARRIABLE"
  | "ERR_FRAGMENT"
  | "ERR_STORE"
  | "ERR_STORE_TIMEOUT"
  | "ERR_CLOSED";

/**
 * `currentContext()` or a function wrapped by `cached()` was called while no request was being
 * served. Code `ERR_NO_REQUEST_CONTEXT`. From Flask: "Working outside of request context."
 */
export class RequestContextError extends Error {
  override readonly name = "RequestContextError";
  readonly code = "ERR_NO_REQUEST_CONTEXT";

  constructor(what: string) {
    super(
      `${what} was called outside of a request context. ` +
        `In an application, install it with app.use(cache.middleware()) before the code that calls it; ` +
        `in a job, a script or a test, wrap the call in runInRequestContext("/path", () => …).`,
    );
  }
}

/**
 * An option has a value it cannot have, or a name that does not exist. Code `ERR_OPTION`; thrown
 * where the option is written, not at the first request.
 */
export class OptionError extends TypeError {
  override readonly name = "OptionError";
  readonly code = "ERR_OPTION";
}

/**
 * Two plain functions met under one default key `view/<path>`. Code `ERR_KEY_CONFLICT`; reported
 * as an `error` event, thrown in strict mode.
 */
export class KeyConflictError extends Error {
  override readonly name = "KeyConflictError";
  readonly code = "ERR_KEY_CONFLICT";

  readonly key: string;

  constructor(key: string, owner: string, other: string) {
    super(
      `The functions ${owner} and ${other} would share the cache entry ${show(key)}, ` +
        `because neither has a key of its own; ${other} runs uncached. Give one a keyPrefix.`,
    );
    this.key = key;
  }
}

/** Two memoized functions have one inferred name. Code `ERR_DUPLICATE_NAME`. */
export class DuplicateNameError extends TypeError {
  override readonly name = "DuplicateNameError";
  readonly code = "ERR_DUPLICATE_NAME";

  constructor(duplicate: string) {
    super(
      `Two different functions named ${show(duplicate)} are memoized in one cache and would share ` +
        `their entries. Give one of them its own name: memoize({ name: "…" }, fn); ` +
        `or give both the same explicit name if they are the same function.`,
    );
  }
}

/** An argument cannot be part of a key. Code `ERR_ARGUMENT_KEY`. */
export class ArgumentKeyError extends TypeError {
  override readonly name = "ArgumentKeyError";
  readonly code = "ERR_ARGUMENT_KEY";
}

/**
 * A value holds something that cannot be stored and come back equal. Code `ERR_NOT_CARRIABLE`;
 * reported as an `error` event: the value is returned to the caller, but not stored.
 */
export class NotCarriableError extends TypeError {
  override readonly name = "NotCarriableError";
  readonly code = "ERR_NOT_CARRIABLE";

  /** Where in the value, as JavaScript would write it: `value.items[3].onClick`. */
  readonly path: string;

  constructor(path: string, what: string) {
    super(
      `${path} is ${what}, which cannot be cached: it would not come back equal. ` +
        `Return plain data (objects, arrays, Date, Map, Set, Buffer …) from a cached function.`,
    );
    this.path = path;
  }
}

/** The tag of a fragment is used wrongly, or its block cannot run where it stands. Code `ERR_FRAGMENT`. */
export class FragmentError extends Error {
  override readonly name = "FragmentError";
  readonly code = "ERR_FRAGMENT";
}

/** A store failed. Code `ERR_STORE`; reported as an `error` event, thrown in strict mode. */
export class StoreError extends Error {
  override readonly name: string = "StoreError";
  readonly code: "ERR_STORE" | "ERR_STORE_TIMEOUT" = "ERR_STORE";
}

/** A store did not answer within `storeTimeout`. Code `ERR_STORE_TIMEOUT`. */
export class StoreTimeoutError extends StoreError {
  override readonly name = "StoreTimeoutError";
  override readonly code = "ERR_STORE_TIMEOUT";
}

/** Shows any value in a message: short, one line, and without running the value's own code. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(clip(value));
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value === "symbol") return "a symbol";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return Object.is(value, -0) ? "-0" : String(value);
}

function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
