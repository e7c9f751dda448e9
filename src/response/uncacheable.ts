// Remembers for a while which pages cannot be stored, so that nobody waits for one of them.
import { textHash } from "./page-tags.js";

/** How long a key is remembered, in milliseconds. */
const REMEMBERED = 10_000;

const MOST_KEYS = 10_000;

/** The keys whose latest response could not be shared, as hashes: keys may be long. */
export class Uncacheable {
  readonly #until = new Map<number, number>();

  has(key: string): boolean {
    if (this.#until.size === 0) return false;
    const until = this.#until.get(textHash(key));
    return until !== undefined && Date.now() < until;
  }

  add(key: string): void {
    const hash = textHash(key);
    // The one that was added first goes first.
    this.#until.delete(hash);
    this.#until.set(hash, Date.now() + REMEMBERED);
    if (this.#until.size <= MOST_KEYS) return;
    const [oldest] = this.#until.keys();
    this.#until.delete(oldest!);
  }

  delete(key: string): void {
    if (this.#until.size > 0) this.#until.delete(textHash(key));
  }
}
