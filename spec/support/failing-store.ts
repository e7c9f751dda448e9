// A store over a Keyv that fails on command, with what it reported.
import { KeyvStore, type KeyvStoreOptions } from "../../src/store/keyv.js";
import { givenSource } from "../../src/store/source.js";
import type { Store } from "../../src/store/store.js";
import { FailingKeyv } from "./failing-keyv.js";

/** A failure that a store reported. */
export interface Reported {
  readonly error: Error;
  readonly key: string | undefined;
}

/** A store, what is behind it, and what it reported. */
export interface FailingStore {
  readonly keyv: FailingKeyv;
  readonly store: Store;
  readonly reported: Reported[];
}

/** Makes a store that has one second for an operation and rests for five after three failures. */
export function failingStore(options: Partial<KeyvStoreOptions> = {}): FailingStore {
  const keyv = new FailingKeyv();
  const reported: Reported[] = [];
  const store = new KeyvStore({
    source: givenSource(keyv),
    namespace: "n",
    storeTimeout: 1000,
    breaker: { failures: 3, rest: 5000 },
    strict: false,
    report: (error, key) => reported.push({ error, key }),
    ...options,
  });
  return { keyv, store, reported };
}
