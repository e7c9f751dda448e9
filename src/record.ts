// Turns what a computation brought into an entry, and stores it.
import { makeEntry, type Carried, type Entry, type Held } from "./entry.js";
import type { Events } from "./events.js";
import { expectedLife, freshFor, tagNames, type Call, type Rules, type Sharing } from "./rules.js";
import { OVERTAKEN } from "./scope.js";
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

  /** Judges a result: what others may have of it, and the entry to store. */
  async prepare(asked: Question, computed: Computed): Promise<Prepared> {
    const { rules, call } = asked;
    const held = this.#hold(asked, computed.value);
    const { carried, until } = await this.#carried(asked, computed);
    const outcome = { held, carried };
    const wanted =
      rules.shouldCache === undefined ||
      (await rules.shouldCache.call(call.self, computed.value, ...call.args));
    const fresh = await freshFor(rules, computed.value, call, this.#life);
    const stillborn = carried.some(({ mark }) => mark === OVERTAKEN);
    if (!wanted || held === undefined || stillborn) return { outcome, entry: undefined };
    const storedAt = Date.now();
    // An entry does not outlive the versions it carries.
    const freshUntil = Math.min(storedAt + fresh, until);
    const entry = makeEntry({
      key: asked.key,
      held,
      storedAt,
      freshUntil,
      staleUntil: Math.min(freshUntil + rules.staleWhileRevalidate, until),
      errorUntil: Math.min(freshUntil + rules.staleIfError, until),
      cost: computed.cost,
      carried,
      owner: asked.owner,
      check: asked.check,
    });
    return { outcome, entry };
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
    computed: Computed,
  ): Promise<{ carried: readonly Carried[]; until: number }> {
    const { flight, known } = computed;
    const carried = new Map<string, string>();
    asked.tags.forEach((tag, index) => carried.set(tag, known[index]?.mark ?? OVERTAKEN));
    for (const { tag, mark } of flight.scope.carried) {
      carried.set(tag, (carried.get(tag) ?? mark) === mark ? mark : OVERTAKEN);
    }
    const named = (await namedTags(asked, computed.value)).filter((tag) => !carried.has(tag));
    const versions = await this.#versionsOf(named, asked.rules);
    // A tag named by the result may have been invalidated before its version was read.
    const overtaken = this.#versions.invalidatedSince(named, flight.epoch);
    named.forEach((tag, index) =>
      carried.set(tag, overtaken ? OVERTAKEN : (versions[index]?.mark ?? OVERTAKEN)),
    );
    const until = Math.min(...[...known, ...versions].map((version) => version?.until ?? Infinity));
    return { carried: Array.from(carried, ([tag, mark]) => ({ tag, mark })), until };
  }

  async #versionsOf(tags: readonly string[], rules: Rules): Promise<Known> {
    if (tags.length === 0) return [];
    const { failed, versions } = await this.#store.read([], tags);
    if (failed) return [];
    const proposed = this.#versions.propose(tags, versions, expectedLife(rules, this.#life));
    return this.#versions.establish(tags, versions, proposed);
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

async function namedTags({ rules, call }: Question, value: unknown): Promise<readonly string[]> {
  if (rules.tagsOf === undefined) return [];
  const names = await rules.tagsOf.call(call.self, value, ...call.args);
  return [...new Set(tagNames(names ?? [], "The result of tags()"))];
}
