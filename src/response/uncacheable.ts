// Remembers for a while which pages cannot be stored, so that nobody waits for one of them.

/** How long a key is remembered, in milliseconds. */
const REMEMBERED = 10_000;

const MOST_KEYS = 10_000;

/** The keys whose latest response could not be shared. */
export class Uncacheable {
  readonly #until = new Map<string, number>();

  has(key: string): boolean {
    const until = this.#until.get(key);
    return until !== undefined && Date.now() < until;
  }

  add(key: string): void {
    // The one that was added first goes first.
    this.#until.delete(key);
    this.#until.set(key, Date.now() + REMEMBERED);
    if (this.#until.size <= MOST_KEYS) return;
    const [oldest] = this.#until.keys();
    this.#until.delete(oldest!);
  }

  delete(key: string): void {
    this.#until.delete(key);
  }
}
