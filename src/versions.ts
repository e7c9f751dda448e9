// Versions of tags: the marks that outdate, in one write, everything that carries an older one.
import type { Version } from "./entry.js";
import { randomMark } from "./key/hash.js";
import type { MaybePromise, Store } from "./store/store.js";

/** Tags as they are stored: a letter keeps users' tags apart from internal names. */
export const ROOT = "r:";
export const functionTag = (name: string): string => `f:${name}`;
export const instanceTag = (name: string, identity: string): string => `i:${name}:${identity}`;
export const userTag = (tag: string): string => `t:${tag}`;

// A version outlives the entries that carry it and yet goes away by itself when its tag is never
// used again. One that would end before a new entry does is replaced, which costs a miss.
const LIFE = 90 * 86_400_000;
const LONGEST_ENTRY = LIFE / 2;

// More invalidated tags than this are remembered as "all of them": computations under way are then
// treated as overtaken.
const REMEMBERED = 10_000;

/** Reads, makes and replaces versions, and remembers what was invalidated in this process. */
export class Versions {
  readonly #store: Store;
  #epoch = 0;
  #floor = 0;
  readonly #invalidated = new Map<string, number>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** How many invalidations there were. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Whether one of the tags was invalidated in this process after `epoch`, up to `until`. */
  invalidatedSince(tags: readonly string[], epoch: number, until: number = Infinity): boolean {
    if (this.#epoch === epoch) return false;
    return tags.some((tag) => {
      const last = this.#invalidated.get(tag) ?? this.#floor;
      return last > epoch && last <= until;
    });
  }

  /** Replaces the versions of tags. */
  outdate(tags: readonly string[]): MaybePromise<void> {
    this.#remember(tags);
    const until = Date.now() + LIFE;
    return this.#store.outdate(tags.map((tag) => ({ tag, mark: randomMark(), until })));
  }

  /** Removes the versions of tags. */
  forget(tags: readonly string[]): MaybePromise<readonly boolean[]> {
    this.#remember(tags);
    return this.#store.forget(tags);
  }

  /** New versions for the tags that have none, or one that would end before such a life does. */
  propose(tags: readonly string[], found: Known, life: number): Version[] {
    const now = Date.now();
    const until = life > LONGEST_ENTRY ? Infinity : now + LIFE;
    return tags
      .filter((_, index) => (found[index]?.until ?? 0) < now + life)
      .map((tag) => ({ tag, mark: randomMark(), until }));
  }

  /** Makes the proposed versions; gives the versions of all tags that hold afterwards. */
  establish(
    tags: readonly string[],
    found: Known,
    proposed: readonly Version[],
  ): MaybePromise<Known> {
    if (proposed.length === 0) return found;
    const made = this.#store.establish(proposed);
    if (made instanceof Promise)
      return made.then((arrived) => merge(tags, found, proposed, arrived));
    return merge(tags, found, proposed, made);
  }

  #remember(tags: readonly string[]): void {
    this.#epoch += 1;
    for (const tag of tags) this.#invalidated.set(tag, this.#epoch);
    if (this.#invalidated.size <= REMEMBERED) return;
    this.#invalidated.clear();
    this.#floor = this.#epoch;
  }
}

/** The versions of a list of tags, in its order. */
export type Known = readonly (Version | undefined)[];

function merge(
  tags: readonly string[],
  found: Known,
  proposed: readonly Version[],
  made: Known,
): Known {
  const places = new Map(proposed.map(({ tag }, index) => [tag, index]));
  return tags.map((tag, index) => {
    const place = places.get(tag);
    return place === undefined ? found[index] : made[place];
  });
}
