// What a store failed to remove: it is not read again before it has.
import { within } from "./deadline.js";

/** What debts are made of. */
export interface DebtsOptions {
  /** What is owed in place of everything, when too much is owed to be kept. */
  readonly everything: string;
  /** Removes records from the store. */
  readonly remove: (addresses: readonly string[]) => Promise<void>;
  /** How long one payment may take, in milliseconds. */
  readonly timeout: number;
  /** Called every `rest` milliseconds while something is owed. */
  readonly remind: () => void;
  readonly rest: number;
}

const LIMIT = 10_000;
const CHUNK = 256;

/**
 * Records that must go: invalidated versions, removed entries, entries that could not be replaced.
 * Removing a version outdates what carries it, as replacing it does, and needs no more than its
 * address to be kept.
 */
export class Debts {
  readonly #options: DebtsOptions;
  /** Each address with the time at which it was last owed, so that a payment settles no later debt. */
  readonly #owed = new Map<string, number>();
  #time = 0;
  #payment: Promise<void> | undefined;
  #reminder: NodeJS.Timeout | undefined;

  constructor(options: DebtsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#owed.size;
  }

  has(address: string): boolean {
    return this.#owed.has(address);
  }

  add(addresses: Iterable<string>): void {
    this.#time += 1;
    for (const address of addresses) this.#owed.set(address, this.#time);
    if (this.#owed.size > LIMIT) {
      this.#owed.clear();
      this.#owed.set(this.#options.everything, this.#time);
    }
    if (this.#owed.size > 0) this.#schedule();
  }

  /** Resolves when nothing is owed any more; many callers wait for one payment. */
  async pay(): Promise<void> {
    // oxlint-disable-next-line no-await-in-loop -- what is owed meanwhile is another payment
    while (this.#owed.size > 0) await (this.#payment ??= this.#begin());
  }

  /** Ends the reminding. */
  close(): void {
    clearTimeout(this.#reminder);
  }

  async #begin(): Promise<void> {
    try {
      await within(this.#send(), Date.now() + this.#options.timeout);
    } finally {
      this.#payment = undefined;
    }
  }

  async #send(): Promise<void> {
    const time = this.#time;
    const addresses = [...this.#owed.keys()];
    for (let i = 0; i < addresses.length; i += CHUNK) {
      const chunk = addresses.slice(i, i + CHUNK);
      // One after the other, so that a store too slow to take all in time gets on all the same.
      // oxlint-disable-next-line no-await-in-loop
      await this.#options.remove(chunk);
      for (const address of chunk) {
        if ((this.#owed.get(address) ?? Infinity) <= time) this.#owed.delete(address);
      }
    }
  }

  #schedule(): void {
    this.#reminder ??= setTimeout(() => {
      this.#reminder = undefined;
      if (this.#owed.size === 0) return;
      this.#schedule();
      this.#options.remind();
    }, this.#options.rest).unref();
  }
}
