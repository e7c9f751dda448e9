// Calls without pause, while the store behind them comes and goes.
import type { Store } from "../../src/store/store.js";
import { entryOf, versionOf } from "./entries.js";

/** What a load has seen. */
export interface LoadResult {
  /** The longest call, in milliseconds. */
  readonly longest: number;
  /** For how long this process itself stood still, because the machine had other things to do. */
  readonly stall: number;
  readonly rejections: readonly unknown[];
  readonly calls: number;
}

/** Reads, writes and invalidates all the time, from several callers. */
export class Load {
  #stopped = false;
  #longest = 0;
  #stall = 0;
  #calls = 0;
  readonly #rejections: unknown[] = [];
  readonly #callers: readonly Promise<void>[];

  constructor(store: Store) {
    let turn = 0;
    const operations: readonly (() => unknown)[] = [
      () => store.read(["load", "other"], ["load"]),
      () => store.write([entryOf("load", (turn += 1))]),
      () => store.establish([versionOf("load", "one")]),
      () => store.outdate([versionOf("load", "two")]),
      () => store.remove(["load"]),
      () => store.add(entryOf("other", 1)),
    ];
    this.#callers = [...operations.map((operate) => this.#call(operate)), this.#watch()];
  }

  /** Ends the calls. */
  async stop(): Promise<LoadResult> {
    this.#stopped = true;
    await Promise.all(this.#callers);
    return {
      longest: this.#longest,
      stall: this.#stall,
      rejections: this.#rejections,
      calls: this.#calls,
    };
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      const begun = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 5));
      this.#stall = Math.max(this.#stall, performance.now() - begun);
    }
  }

  async #call(operate: () => unknown): Promise<void> {
    while (!this.#stopped) {
      const begun = performance.now();
      try {
        await operate();
      } catch (error) {
        this.#rejections.push(error);
      }
      this.#calls += 1;
      this.#longest = Math.max(this.#longest, performance.now() - begun);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

/** Resolves when a condition holds; rejects after ten seconds. */
export async function until(holds: () => unknown): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("It has not come to that within ten seconds.");
}
