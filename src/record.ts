// Turns what a computation brought into an entry, and stores it.
import { makeEntry, type Carried, type Entry, type Held } from "./entry.js";
import type { Events } from "./events.js";
import { expectedLife, freshFor, tagNames, type Call, type Rules, type Sharing } from "./rules.js";
import { isDead, OVERTAKEN, UNKNOWN } from "./scope.js";
import type { Flight, Identity, Outcome } from "./single-flight.js";
import type { Counts } from "./stats.js";
import type { MaybePromise, Store } from "./store/store.js";
import { hold } from "./value/copy.js";
import type { Known, Versions } from "./versions.js";

/** Where a wrapper looks for an entry before it asks the engine. */
export interface Shortcut {
  readonly table: Map<unknown, Entry>;
  readonly place: unknown;
}

/** What is asked of the engine. `tags` are those known before the computation. */
export interface Question extends Identity {
  /** Where a hit is to be remembered, if the rules allow it. */
  readonly shortcut: Shortcut | undefined;
  /** The wrapped function, for events. */
  readonly name: string | undefined;
  readonly counts: Counts;
  readonly rules: Rules;
  readonly call: Call;
  /**
   * Whether the call is still the one that the key was made of; absent where nothing in it can
   * change. The function may begin to run long after the call.
   */
  readonly isUnchanged?: (() => MaybePromise<boolean>) | undefined;
}

/** A computation that has ended. */
export interface Computed {
  readonly flight: Flight;
  /** The versions of the question's tags as they were before it. */
  readonly known: Known;
  readonly value: unknown;
  /** How long it took, in milliseconds. */
  readonly cost: number;
}

/** How long a result may be served, in milliseconds; the stale times are counted from its end on. */
export interface Life {
  readonly fresh: number;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}

/** What an entry is made of beyond the question and the computation. */
export interface Making {
  /** Absent when the result cannot be given to anybody else. */
  readonly held: Held | undefined;
  /** The tags that the result names, as they are stored. */
  readonly tags: readonly string[];
  /** Absent when the result is not to be stored. */
  readonly life: Life | undefined;
}

export interface Prepared {
  readonly outcome: Outcome;
  /** Absent when the result is not to be stored. */
  readonly entry: Entry | undefined;
}

/** A result that was judged: `entry` is absent when it is not to be stored. */
export interface Recordable {
  readonly question: Question;
  readonly computed: Computed;
  readonly entry: Entry | undefined;
}

/** What a recorder is made of; `life` is the cache's default timeout in milliseconds. */
export interface RecorderParts {
  readonly store: Store;
  readonly versions: Versions;
  readonly events: Events;
  readonly life: number;
  readonly strict: boolean;
  readonly sharing: Sharing;
}

/** Keeps results in a store. */
export class Recorder {
  readonly #store: Store;
  readonly #versions: Versions;
  readonly #events: Events;
  readonly #life: number;
  readonly #strict: boolean;
  readonly #sharing: Sharing;

  constructor({ store, versions, events, life, strict, sharing }: RecorderParts) {
    this.#store = store;
    this.#versions = versions;
    this.#events = events;
    this.#life = life;
    this.#strict = strict;
    this.#sharing = sharing;
  }

  /**
   * Judges a result by the rules: what others may have of it, and the entry to store. What is not
   * to be kept, because it stands for no result at all, is not judged.
   */
  async prepare(asked: Question, computed: Computed, keep: boolean): Promise<Prepared> {
    const { rules, call } = asked;
    const held = this.#hold(asked, computed.value);
    if (!keep) return this.make(asked, computed, { held, tags: [], life: undefined });
    const wanted =
      rules.shouldCache === undefined ||
      (await rules.shouldCache.call(call.self, computed.value, ...call.args));
    const fresh = await freshFor(rules, computed.value, call, this.#life);
    const { staleWhileRevalidate, staleIfError } = rules;
    const life = wanted ? { fresh, staleWhileRevalidate, staleIfError } : undefined;
    const tags = await namedTags(asked, computed.value);
    return this.make(asked, computed, { held, tags, life });
  }

  /** Makes the entry of a result. */
  async make(asked: Question, computed: Computed, making: Making): Promise<Prepared> {
    const { held, life } = making;
    const { carried, until } = await this.#carried(asked, computed, making.tags);
    const outcome = { held, carried };
    const stillborn = carried.some(({ mark }) => isDead(mark));
    if (life === undefined || held === undefined || stillborn) return { outcome, entry: undefined };
    const { key, owner, check } = asked;
    const { cost } = computed;
    const times = timesOf(life, until);
    return { outcome, entry: makeEntry({ key, held, ...times, cost, carried, owner, check }) };
  }

  /** Stores entries in one write, but those whose key was deleted or set in the meantime. */
  write(all: readonly Recordable[]): MaybePromise<void> {
    const kept = all.filter(
      ({ entry, computed }) => entry !== undefined && computed.flight.storable,
    );
    if (kept.length === 0) return undefined;
    const written = this.#store.write(kept.map(({ entry }) => entry!));
    for (const { question, computed } of kept) this.#wrote(question, computed);
    // The caller does not wait for a remote store, unless he wants to see it fail.
    return this.#strict ? written : undefined;
  }

  #wrote({ key, name, counts }: Question, { cost }: Computed): void {
    counts.writes += 1;
    if (!this.#events.heard("write")) return;
    this.#events.emit("write", { key, name, tier: this.#store.tier, duration: cost / 1000 });
  }

  /** Every tag the result carries: known before, read on the way, named by the result. */
  async #carried(
    asked: Question,
    { flight, known }: Computed,
    tags: readonly string[],
  ): Promise<{ carried: readonly Carried[]; until: number }> {
    const carried = new Map(flight.scope.carried.map(({ tag, mark }) => [tag, mark]));
    const named = tags.filter((tag) => !carried.has(tag));
    // A result that is not to be stored anyway does not wait for a failing store once more.
    const lost = [...carried.values()].some((mark) => mark === UNKNOWN || mark === OVERTAKEN);
    const versions = lost ? [] : await this.#versionsOf(named, asked.rules);
    // A tag named by the result may have been invalidated before its version was read.
    const overtaken = this.#versions.invalidatedSince(named, flight.epoch);
    named.forEach((tag, index) =>
      carried.set(tag, overtaken ? OVERTAKEN : (versions[index]?.mark ?? UNKNOWN)),
    );
    const until = Math.min(...[...known, ...versions].map((version) => version?.until ?? Infinity));
    return { carried: Array.from(carried, ([tag, mark]) => ({ tag, mark })), until };
  }

  async #versionsOf(tags: readonly string[], rules: Rules): Promise<Known> {
    if (tags.length === 0) return [];
    const asked = this.#versions.turn();
    const { failed, versions: found } = await this.#store.read([], tags);
    if (failed) return [];
    const proposed = this.#versions.propose(tags, found, expectedLife(rules, this.#life));
    return this.#versions.establish(tags, { found, asked }, proposed);
  }

  #hold(asked: Question, value: unknown): Held | undefined {
    try {
      return hold(value, asked.rules.sharing ?? this.#sharing);
    } catch (error) {
      asked.counts.errors += 1;
      const { key, name } = asked;
      this.#events.emit("error", { key, name, error: error as Error });
      return undefined;
    }
  }
}

function timesOf(
  { fresh, staleWhileRevalidate, staleIfError }: Life,
  until: number,
): Pick<Entry, "storedAt" | "freshUntil" | "staleUntil" | "errorUntil"> {
  const storedAt = Date.now();
  // An entry does not outlive the versions it carries.
  const freshUntil = Math.min(storedAt + fresh, until);
  return {
    storedAt,
    freshUntil,
    staleUntil: Math.min(freshUntil + staleWhileRevalidate, until),
    errorUntil: Math.min(freshUntil + staleIfError, until),
  };
}

async function namedTags({ rules, call }: Question, value: unknown): Promise<readonly string[]> {
  if (rules.tagsOf === undefined) return [];
  const names = await rules.tagsOf.call(call.self, value, ...call.args);
  return [...new Set(tagNames(names ?? [], "The result of tags()"))];
}
