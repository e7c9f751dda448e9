// The store that stores nothing: every wrapped function runs.
import type { Version } from "../entry.js";
import { warn } from "../events.js";
import type { Reading, Store } from "./store.js";

/** Stores nothing, and says so once unless it is to be silent. */
export class NullStore implements Store {
  readonly tier = "null";

  constructor(onNullStore: "warn" | "silent") {
    if (onNullStore === "silent") return;
    warn(
      'Caching is off: the store is "null:". Give the cache a store, for instance "memory:", ' +
        'or say onNullStore: "silent" if this is on purpose.',
      "NULL_STORE",
    );
  }

  /** `failed`, so that nobody prepares an entry for it. */
  read(keys: readonly string[], tags: readonly string[]): Reading {
    return { entries: nothing(keys), versions: nothing(tags), failed: true };
  }

  write(): void {}

  add(): boolean {
    return false;
  }

  remove(keys: readonly string[]): readonly boolean[] {
    return keys.map(() => false);
  }

  establish(versions: readonly Version[]): readonly undefined[] {
    return nothing(versions);
  }

  outdate(): void {}

  forget(tags: readonly string[]): readonly boolean[] {
    return tags.map(() => false);
  }

  empty(): void {}

  idle(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function nothing(asked: readonly unknown[]): readonly undefined[] {
  return asked.map(() => undefined);
}
