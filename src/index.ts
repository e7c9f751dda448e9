// The public door.
export { Cache } from "./cache.js";
export type { CachedOptions } from "./cached.js";
export type { BreakerOptions, CacheOptions, MemoryOptions } from "./config.js";
export type { Duration } from "./duration.js";
export {
  ArgumentKeyError,
  DuplicateNameError,
  FragmentError,
  KeyConflictError,
  NotCarriableError,
  OptionError,
  RequestContextError,
  StoreError,
  StoreTimeoutError,
} from "./errors.js";
export type { CacheErrorCode } from "./errors.js";
export type { CacheEvent, CacheEventName, CacheListener } from "./events.js";
export type { FragmentOptions, FragmentTimeout } from "./fragment/arguments.js";
export type { FragmentCache } from "./fragment/fragments.js";
export type { VaryValue } from "./fragment/key.js";
export type { MethodDecorating, Wrapping } from "./forms.js";
export { cachingId } from "./key/identity.js";
export type { LoadMany, ManyWrapper, MemoizeManyOptions } from "./memoize-many.js";
export type { Memoized, MemoizeOptions, Memoizing } from "./memoize.js";
export type { Query, QueryRule } from "./response/key.js";
export type { PageOptions, PageResult, ResponseOptions } from "./response/page-options.js";
export type { PolicyOptions } from "./response/policy.js";
export { currentContext, runInRequestContext, tryCurrentContext } from "./request/context.js";
export type { AnyFunction, Awaitable, CallOptions } from "./rules.js";
export type { CacheStats, Counts, CountsWithRatio } from "./stats.js";
export type { Wrapper, WrapperAttributes } from "./wrap.js";
