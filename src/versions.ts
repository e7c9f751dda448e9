// Versions of tags: the marks that outdate, in one write, everything that carries an older one.
import type { Version } from "./entry.js";
import { randomMark } from "./key/hash.js";
import { isOfThisProcess } from "./key/identity.js";
import type { MaybePromise, Store } from "./store/store.js";

/** Tags as they are stored: a letter keeps users' tags apart from internal names. */
export { ROOT } from "./store/store.js";
export const functionTag = (name: string): string => `f:${name}`;
export const instanceTag = (name: string, identity: string): string =>
  `${isOfThisProcess(identity) ? "p" : "i"}:${name}:${identity}`;
export const userTag = (tag: string): string => `t:${tag}`;

// A version outlives the entries that carry it and yet goes away by itself when its tag is never
// used again. One that would end before a new entry does is replaced, which costs a miss: too much
// for what everything or a whole function carries, and these are few.
const DAY = 86_400_000;
const LIVES: Readonly<Record<string, number>> = {
  r: Infinity,
  f: Infinity,
  // Instances that no other process knows may come and go by the thousand.
  p: DAY,
};

// More invalidations than this are remembered as "all of them": computations under way are then
// treated as overtaken.
const REMEMBERED = 10_000;

// So many versions made last are known, far more than are made during one read.
const NOTED = 1000;

/** A version that is being made, or was made at a turn. */
interface Made {
  version: MaybePromise<Version | undefined>;
  turn: number;
}

/** Reads, makes and replaces versions, and remembers what was invalidated in this process. */
export class Versions {
  readonly #store: Store;
  #epoch = 0;
  #floor = 0;
  /** The invalidations of each tag, in their order. */
  readonly #invalidated = new Map<string, number[]>();
  #remembered = 0;
  /** The versions made last in this process. */
  readonly #made = new Map<string, Made>();
  /** Numbers what happens, in its order. */
  readonly turn: () => number;

  constructor(store: Store, turn: () => number) {
    this.#store = store;
    this.turn = turn;
  }

  /** How many invalidations there were. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Whether one of the tags was invalidated in this process after `epoch`, up to `until`. */
  invalidatedSince(tags: readonly string[], epoch: number, until: number = Infinity): boolean {
    if (this.#epoch === epoch) return false;
    if (this.#floor > epoch) return true;
    return tags.some((tag) => {
      const first = firstAfter(this.#invalidated.get(tag) ?? [], epoch);
      return first !== undefined && first <= until;
    });
  }

  /** Replaces the versions of tags. */
  outdate(tags: readonly string[]): MaybePromise<void> {
    this.#remember(tags);
    const now = Date.now();
    return this.#store.outdate(tags.map((tag) => newVersion(tag, now, 0)));
  }

  /** Removes the versions of tags. */
  forget(tags: readonly string[]): MaybePromise<readonly boolean[]> {
    this.#remember(tags);
    return this.#store.forget(tags);
  }

  /** New versions for the tags that have none, or one that would end before such a life does. */
  propose(tags: readonly string[], found: Known, life: number): Version[] {
    const now = Date.now();
    return tags
      .filter((_, index) => (found[index]?.until ?? 0) < now + life)
      .map((tag) => newVersion(tag, now, life));
  }

  /**
   * Makes the proposed versions; gives the versions of all tags that hold afterwards. `asked` is
   * the turn at which the question was asked whose answer was `found`.
   */
  establish(
    tags: readonly string[],
    { found, asked }: { readonly found: Known; readonly asked: number },
    proposed: readonly Version[],
  ): MaybePromise<Known> {
    if (proposed.length === 0) return found;
    // What another call of this process is making, or has made since this one asked, is not made
    // again: that would outdate what the other call computes.
    const missing = proposed.filter(({ tag }) => !((this.#made.get(tag)?.turn ?? 0) > asked));
    const making = missing.length === 0 ? [] : this.#store.establish(missing);
    if (!(making instanceof Promise) && missing.length === proposed.length) {
      return merge(tags, found, proposed, making);
    }
    this.#note(missing, Promise.resolve(making));
    const made = proposed.map(async ({ tag }) => this.#made.get(tag)!.version);
    for (const tag of this.#made.keys()) if (this.#made.size > NOTED) this.#made.delete(tag);
    return Promise.all(made).then((arrived) => merge(tags, found, proposed, arrived));
  }

  #note(missing: readonly Version[], making: Promise<Known>): void {
    missing.forEach(({ tag }, index) => {
      const pending = making.then((known) => known[index]);
      const made: Made = { version: pending, turn: Infinity };
      const settle = (version: Version | undefined): void => {
        // Not the promise, which would keep the request alive in which it was made.
        made.version = version;
        made.turn = this.turn();
      };
      pending.then(settle, () => settle(undefined));
      this.#made.delete(tag);
      this.#made.set(tag, made);
    });
  }

  #remember(tags: readonly string[]): void {
    this.#epoch += 1;
    for (const tag of tags) this.#rememberOne(tag);
    if (this.#remembered <= REMEMBERED) return;
    this.#invalidated.clear();
    this.#remembered = 0;
    this.#floor = this.#epoch;
  }

  #rememberOne(tag: string): void {
    const known = this.#invalidated.get(tag);
    if (known === undefined) this.#invalidated.set(tag, [this.#epoch]);
    else known.push(this.#epoch);
    this.#remembered += 1;
  }
}

/** The first of ascending numbers that is above another one; the last ones are looked at first. */
function firstAfter(ascending: readonly number[], other: number): number | undefined {
  let index = ascending.length;
  while (index > 0 && ascending[index - 1]! > other) index -= 1;
  return ascending[index];
}

/** A version that lives at least as long as its kind does, and twice as long as an entry. */
function newVersion(tag: string, now: number, life: number): Version {
  const usual = LIVES[tag[0]!] ?? 90 * DAY;
  return { tag, mark: randomMark(), until: life > usual / 2 ? Infinity : now + usual };
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
