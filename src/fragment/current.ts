// The rendering that a template tag belongs to, found by the asynchronous chain it runs in.
import { AsyncLocalStorage } from "node:async_hooks";

const storage = new AsyncLocalStorage<object>();

/** Runs a function so that `current()` gives this scope in all that it starts. */
export function enter<T>(scope: object, run: () => T): T {
  return storage.run(scope, run);
}

/** The scope entered last, if any. */
export function current(): object | undefined {
  return storage.getStore();
}
