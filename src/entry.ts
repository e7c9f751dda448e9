// An entry: a value with the facts needed to judge it.

/** A value in safe keeping. */
export interface Held {
  /** How many bytes the value takes, estimated. */
  readonly bytes: number;
  /** Whether `give()` hands out one and the same value, because nobody can change it. */
  readonly shared: boolean;
  /** The value for one caller: his own copy, unless it is `shared`. */
  give(): unknown;
}

/** The version of a tag: a random mark, replaced at each invalidation. */
export interface Version {
  readonly tag: string;
  readonly mark: string;
  /** When the version itself expires, in milliseconds since 1970; `Infinity` for never. */
  readonly until: number;
}

/** The mark of a tag as it was before the computation of an entry that carries the tag. */
export interface Carried {
  readonly tag: string;
  readonly mark: string;
}

/** A stored value. All times are milliseconds since 1970, `Infinity` for never. */
export interface Entry {
  readonly key: string;
  readonly held: Held;
  readonly storedAt: number;
  readonly freshUntil: number;
  /** How long it may be served while a new value is being computed (RFC 5861). */
  readonly staleUntil: number;
  /** How long it may be served when computing a new value fails (RFC 5861). */
  readonly errorUntil: number;
  /** How long computing the value took, in milliseconds. */
  readonly cost: number;
  readonly carried: readonly Carried[];
  /** The function that a default key belongs to. */
  readonly owner: string | undefined;
  /** What must be equal beyond the key: the text behind a hashed key, the digest of a template. */
  readonly check: string | undefined;
  /** False once the entry has left the memory store, whatever the reason. */
  alive: boolean;
  /** The invalidation count at which the carried marks were last seen to hold; -1 if never. */
  epoch: number;
  /** When a hit last told the memory store that the entry is in use, on a coarse clock. */
  touched: number;
  /** One resolved promise for all hits of a shared value. */
  promise: Promise<unknown> | undefined;
  /** The side table that leads from a call's argument straight to this entry, and the place in it. */
  table: Map<unknown, Entry> | undefined;
  place: unknown;
}

/** Whether an entry is still good, and for what. */
export type Verdict = "fresh" | "stale" | "spare" | "dead";

/** What an entry needs besides the times and the value. */
export type EntryFacts = Omit<Entry, "alive" | "epoch" | "touched" | "promise" | "table" | "place">;

/** Makes an entry; every entry has the same fields in the same order, so that hits stay fast. */
export function makeEntry(facts: EntryFacts): Entry {
  return {
    key: facts.key,
    held: facts.held,
    storedAt: facts.storedAt,
    freshUntil: facts.freshUntil,
    staleUntil: facts.staleUntil,
    errorUntil: facts.errorUntil,
    cost: facts.cost,
    carried: facts.carried,
    owner: facts.owner,
    check: facts.check,
    alive: false,
    epoch: -1,
    touched: -1,
    promise: undefined,
    table: undefined,
    place: undefined,
  };
}

/** Ends an entry's life in the memory store, so that nothing keeps its value or serves it. */
export function retire(entry: Entry): void {
  entry.alive = false;
  entry.epoch = -1;
  entry.promise = undefined;
  if (entry.table?.get(entry.place) === entry) entry.table.delete(entry.place);
  entry.table = undefined;
}

/** The last moment at which an entry is good for anything. */
export function lastUse(entry: Entry): number {
  return Math.max(entry.freshUntil, entry.staleUntil, entry.errorUntil);
}

/**
 * What an entry is good for at `now`: `fresh` to be served; `stale` to be served while it is
 * computed anew; `spare` to be served if computing fails; `dead` for nothing.
 */
export function judge(entry: Entry, now: number): Verdict {
  if (now < entry.freshUntil) return "fresh";
  if (now < entry.staleUntil) return "stale";
  return now < entry.errorUntil ? "spare" : "dead";
}
