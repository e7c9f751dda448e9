// What openStore() is given in specs.
import type { OpenOptions } from "../../src/store/open.js";

/** Options with defaults for specs: strict, so that no failure goes unseen. */
export function openingOptions(options: Partial<OpenOptions>): OpenOptions {
  return {
    store: "memory:",
    namespace: "spec",
    memory: { entries: 10_000, bytes: 64 * 1024 * 1024 },
    storeTimeout: 5000,
    breaker: { failures: 5, rest: 5000 },
    strict: true,
    onNullStore: "silent",
    report: (error) => {
      throw error;
    },
    ...options,
  };
}
