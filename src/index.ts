// The public door.
export type { Duration } from "./duration.js";
export {
  ArgumentKeyError,
  DuplicateNameError,
  KeyConflictError,
  NotCarriableError,
  OptionError,
  RequestContextError,
  StoreError,
  StoreTimeoutError,
} from "./errors.js";
export type { CacheErrorCode } from "./errors.js";
