// The engine: read, judge, coalesce, compute, write. It knows neither Koa, templates nor arguments.
import { coarseTick, isAhead } from "./clock.js";
import {
  Computations,
  currentScope,
  runApart,
  runInScope,
  type Result,
  type Underway,
} from "./computations.js";
import { judge, type Carried, type Entry } from "./entry.js";
import { KeyConflictError } from "./errors.js";
import type { Events } from "./events.js";
import {
  carriedAside,
  isEarly,
  isForeign,
  isPlainHit,
  isRefused,
  marksByTag,
  marksOf,
  unknownTags,
  verdictOn,
  type Marks,
  ownerName,
} from "./judgement.js";
import { Recorder, type Question } from "./record.js";
import type { Sharing } from "./rules.js";
import { Scope, UNKNOWN } from "./scope.js";
import { SingleFlight, type Flight, type Outcome } from "./single-flight.js";
import {
  isLocal,
  type LocalStore,
  type MaybePromise,
  type Reading,
  type Store,
} from "./store/store.js";
import { Teller } from "./teller.js";
import { Versions, type Known } from "./versions.js";

/** Runs the wrapped function; may throw or reject. */
export type Compute = () => unknown;

/** `use` what is stored; `renew` it, whatever is stored. */
export type Intent = "use" | "renew";

/** What an engine is made of. */
export interface Parts {
  readonly store: Store;
  readonly events: Events;
  /** The cache's default timeout, in milliseconds. */
  readonly life: number;
  /** Failures throw instead of becoming events. */
  readonly strict: boolean;
  /** Whether callers get copies or share one frozen value, unless a function says otherwise. */
  readonly sharing: Sharing;
}

/** A question with how to answer it and what the store said. */
export interface Inquiry {
  readonly question: Question;
  readonly compute: Compute;
  /** The turn at which it was asked. */
  readonly asked: number;
  readonly reading: Reading;
  /** Asks once more, when what was waited for had been overtaken. */
  readonly again?: () => Promise<unknown>;
}

/** Who joins a flight. */
export interface Joining {
  /** The turn at which he asked. */
  readonly asked: number;
  /** The invalidation count when he joined. */
  readonly epoch: number;
  /** The tags whose versions he has read. */
  readonly tags: readonly string[];
}

/** Answers questions, from the store or by computing. */
export class Lookup {
  readonly store: Store;
  /** The store, if it is one in this process. */
  readonly local: LocalStore | undefined;
  readonly versions: Versions;
  readonly flights: SingleFlight = new SingleFlight();
  readonly computations: Computations;
  /** The default timeout, in milliseconds. */
  readonly life: number;
  readonly sharing: Sharing;
  readonly #strict: boolean;
  readonly teller: Teller;
  readonly #background: Set<Promise<unknown>> = new Set();
  readonly #inTurn: Map<string, Promise<unknown>> = new Map();

  constructor(parts: Parts) {
    const { store, events, life, strict, sharing } = parts;
    this.store = store;
    this.local = isLocal(store) ? store : undefined;
    this.versions = new Versions(store, () => this.flights.turn());
    const { versions, flights } = this;
    const recorder = new Recorder({ ...parts, versions });
    this.computations = new Computations({ versions, flights, recorder, life });
    this.life = life;
    this.sharing = sharing;
    this.#strict = strict;
    this.teller = new Teller(events, store.tier);
  }

  /** The value asked for: stored, awaited from a computation under way, or computed. */
  fetch(question: Question, compute: Compute, intent: Intent = "use"): Promise<unknown> {
    const asked = this.flights.turn();
    // A renewal must not take a key over that belongs to another function.
    const looks = intent === "use" || question.owner !== undefined;
    const reading = this.store.read(looks ? [question.key] : [], question.tags);
    if (!(reading instanceof Promise)) {
      return this.#answer({ question, compute, asked, reading }, intent);
    }
    this.flights.opened(asked);
    const answer = reading.then((arrived) =>
      this.#answer({ question, compute, asked, reading: arrived }, intent),
    );
    const close = (): void => this.flights.closed(asked);
    reading.then(close, close);
    return answer;
  }

  /** Whether a fresh entry that was seen to hold still does; it counts as used then. */
  isCurrent(entry: Entry): boolean {
    const local = this.local!;
    if (entry.epoch !== local.epoch || !isAhead(entry.freshUntil)) return false;
    const tick = coarseTick();
    if (entry.touched !== tick) {
      entry.touched = tick;
      local.touch(entry);
    }
    return true;
  }

  /** The value of an entry that a wrapper found by its shortcut, if the entry still holds. */
  recall(
    entry: Entry,
    asker: Pick<Question, "name" | "counts">,
    scope: Scope | undefined,
  ): Promise<unknown> | undefined {
    if (!this.isCurrent(entry)) return undefined;
    return this.#serve(entry, asker, scope);
  }

  /** Resolves when no background work is left. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#background);
    await this.store.idle();
    // Background work may have started more of it.
    if (this.#background.size > 0) await this.idle();
  }

  #answer(inquiry: Inquiry, intent: Intent): Promise<unknown> {
    const { question, reading } = inquiry;
    const entry = reading.entries[0];
    if (intent === "renew") return this.#renew(inquiry, entry);
    if (entry === undefined) return this.#join(inquiry);
    if (isPlainHit(question, entry, reading.versions)) {
      return this.hit(question, entry, this.local?.epoch);
    }
    return this.#consider(inquiry, entry);
  }

  async #renew(inquiry: Inquiry, entry: Entry | undefined): Promise<unknown> {
    const { question, reading } = inquiry;
    const { owner } = this.flights.of(question.key, Infinity)?.identity ?? {};
    if (isForeign(question.owner, owner)) return this.#conflict(inquiry, owner!);
    if (entry === undefined || !isForeign(question.owner, entry.owner)) return this.#lead(inquiry);
    const marks = marksByTag(question, reading.versions);
    await this.learn(marks, [entry]);
    const holds = verdictOn(question, entry, marks) !== "dead";
    return holds ? this.#conflict(inquiry, entry.owner!) : this.#lead(inquiry);
  }

  /** The long way of an entry that is there: what it is good for decides what is done. */
  async #consider(inquiry: Inquiry, entry: Entry): Promise<unknown> {
    const { question, reading } = inquiry;
    const epoch = this.local?.epoch;
    const marks = marksByTag(question, reading.versions);
    await this.learn(marks, [entry]);
    const verdict = verdictOn(question, entry, marks);
    if (verdict === "dead") return this.#join(inquiry);
    if (isForeign(question.owner, entry.owner)) return this.#conflict(inquiry, entry.owner!);
    if (verdict === "spare") return this.#join(inquiry, entry);
    if (await isRefused(question, entry)) return this.#join(inquiry);
    if (verdict === "stale" || isEarly(question, entry)) this.#refresh(inquiry);
    return verdict === "stale"
      ? this.serveStale(question, entry, undefined)
      : this.hit(question, entry, epoch);
  }

  /** Reads the marks of the tags that entries carry and nobody has asked for yet. */
  async learn(marks: Marks, entries: readonly Entry[]): Promise<void> {
    const unknown = unknownTags(marks, entries);
    if (unknown.length > 0) await this.#readMarks(marks, unknown);
  }

  /** Reads the marks of tags; tells whether that failed. */
  async #readMarks(marks: Marks, tags: readonly string[]): Promise<boolean> {
    const { failed, versions } = await this.store.read([], tags);
    tags.forEach((tag, index) => marks.set(tag, versions[index]?.mark));
    return failed;
  }

  /** `epoch` is the invalidation count at which the entry's marks were seen to hold. */
  hit(question: Question, entry: Entry, epoch: number | undefined): Promise<unknown> {
    if (epoch !== undefined) {
      entry.epoch = epoch;
      remember(question, entry);
    }
    return this.#serve(entry, question, currentScope());
  }

  #serve(
    entry: Entry,
    asker: Pick<Question, "name" | "counts">,
    scope: Scope | undefined,
  ): Promise<unknown> {
    asker.counts.hits += 1;
    if (scope !== undefined) scope.carry(entry.carried, this.versions);
    this.teller.hit(asker.name, entry);
    return entry.promise ?? give(entry);
  }

  /** A value past its time; `error` says why there is no newer one. */
  serveStale(question: Question, entry: Entry, error: unknown): unknown {
    currentScope()?.carry(entry.carried, this.versions);
    this.teller.stale(question, entry, error);
    return entry.held.give();
  }

  /** Waits for a computation under way that answers the question, or starts one. */
  #join(inquiry: Inquiry, spare?: Entry): Promise<unknown> {
    const { question, reading, asked } = inquiry;
    const flight = this.joinable(question, reading.versions, asked);
    if (flight === undefined) return this.#lead(inquiry, spare);
    const { owner } = flight.identity;
    if (isForeign(question.owner, owner)) return this.#conflict(inquiry, owner!);
    // Waiting for a computation that waits for this one would never end.
    const scope = currentScope();
    if (scope !== undefined && flight.scope.reaches(scope)) return this.#aside(inquiry);
    const followed = this.follow(inquiry, flight, scope);
    if (spare === undefined) return followed;
    return followed.catch((error: unknown) => {
      if (this.standsIn(spare, flight)) return this.serveStale(question, spare, error);
      throw error;
    });
  }

  /** Whether an entry past its time may be served in place of a computation that failed. */
  standsIn(spare: Entry, { epoch }: Flight): boolean {
    const tags = spare.carried.map(({ tag }) => tag);
    return judge(spare, Date.now()) !== "dead" && !this.versions.invalidatedSince(tags, epoch);
  }

  /** The computation under way that answers a question whose tags have these versions. */
  joinable(question: Question, versions: Known, asked: number = Infinity): Flight | undefined {
    const flight = this.flights.of(question.key, asked);
    if (flight === undefined || !flight.answers(question, marksOf(versions), asked)) {
      return undefined;
    }
    return this.versions.invalidatedSince(question.tags, flight.epoch) ? undefined : flight;
  }

  /** Waits for a computation under way. */
  async follow(inquiry: Inquiry, flight: Flight, scope: Scope | undefined): Promise<unknown> {
    const { question, compute, asked, again } = inquiry;
    const { epoch } = this.versions;
    scope?.waits.add(flight.scope);
    flight.waiting += 1;
    try {
      const outcome = await flight.done;
      const { held, carried } = outcome;
      // What cannot be copied cannot be shared: everybody computes his own, at once.
      if (held === undefined) return await this.#aside(inquiry, carried);
      if (await this.isOvertaken(outcome, flight, { asked, epoch, tags: question.tags })) {
        return await (again === undefined ? this.fetch(question, compute) : again());
      }
      scope?.carry(carried, this.versions);
      this.teller.miss(question, { collapsed: true });
      return held.give();
    } catch (error) {
      scope?.carry(flight.scope.carried, this.versions);
      throw error;
    } finally {
      flight.waiting -= 1;
      scope?.waits.delete(flight.scope);
    }
  }

  /** Whether what a flight brought had been outdated when somebody joined it. */
  async isOvertaken(
    { carried, isSpare = false }: Outcome,
    flight: Flight,
    { asked, epoch, tags }: Joining,
  ): Promise<boolean> {
    const all = carried.map(({ tag }) => tag);
    if (this.versions.invalidatedSince(all, flight.epoch, epoch)) return true;
    // What was computed after the question cannot have been outdated before it.
    if (this.local !== undefined || (asked < flight.started && !isSpare)) return false;
    const unseen = carried.filter(
      ({ tag, mark }) => mark !== UNKNOWN && (isSpare || !tags.includes(tag)),
    );
    if (unseen.length === 0) return false;
    const marks: Marks = new Map();
    const failed = await this.#readMarks(
      marks,
      unseen.map(({ tag }) => tag),
    );
    return !failed && unseen.some(({ tag, mark }) => marks.get(tag) !== mark);
  }

  async #lead(inquiry: Inquiry, spare?: Entry, quiet = false): Promise<unknown> {
    const { question, compute, reading } = inquiry;
    const outer = currentScope();
    const scope = new Scope(this.versions);
    const underway = this.computations.begin(question, reading.versions, scope);
    outer?.waits.add(scope);
    try {
      // Where nothing has to be waited for, the function begins to run in the call itself.
      const ready = this.#ready(inquiry, underway);
      const isReady = ready instanceof Promise ? await ready : ready;
      if (!isReady) return await this.#apart(inquiry, underway);
      const result = await this.#compute(compute, scope);
      // What fails from here on is a callable of the caller's, whose errors are not covered up.
      spare = undefined;
      const [outcome] = await this.computations.finish([[underway, result]]);
      outer?.carry(outcome!.carried, this.versions);
      if (!quiet) this.teller.miss(question, { duration: result.cost / 1000 });
      const frozen = (question.rules.sharing ?? this.sharing) === "freeze";
      return frozen && outcome!.held ? outcome!.held.give() : result.value;
    } catch (error) {
      if (spare === undefined || !this.standsIn(spare, underway.flight)) {
        outer?.carry(scope.carried, this.versions);
        this.computations.abandon([underway], { error });
        throw error;
      }
      this.teller.error(question, error);
      this.computations.abandon([underway], { instead: spare });
      return this.serveStale(question, spare, error);
    } finally {
      outer?.waits.delete(scope);
    }
  }

  /** Makes what the function's result will carry; tells whether it is still the call it was. */
  #ready({ question, asked, reading }: Inquiry, underway: Underway): MaybePromise<boolean> {
    const made = this.computations.establish([underway], { asked, tags: question.tags, reading });
    const check = (): MaybePromise<boolean> => question.isUnchanged?.() ?? true;
    return made instanceof Promise ? made.then(check) : check();
  }

  /** What the call has become is not what its key says: it is run for the caller alone. */
  #apart(inquiry: Inquiry, underway: Underway): Promise<unknown> {
    this.computations.abandon([underway], { instead: NOTHING });
    return this.#aside(inquiry);
  }

  async #compute(compute: Compute, scope: Scope): Promise<Result> {
    const started = performance.now();
    const value = await runInScope(scope, compute);
    return { value, cost: performance.now() - started, keep: true };
  }

  /** Runs the function without storing what it gives. */
  async #aside(
    { question, compute, reading }: Inquiry,
    carried: readonly Carried[] = carriedAside(question, reading.versions),
  ): Promise<unknown> {
    currentScope()?.carry(carried, this.versions);
    this.teller.miss(question, {});
    return compute();
  }

  /** The key belongs to another function. */
  #conflict(inquiry: Inquiry, owner: string): Promise<unknown> {
    const { question } = inquiry;
    const error = new KeyConflictError(question.key, ownerName(owner), ownerName(question.owner!));
    if (this.#strict) return Promise.reject(error);
    this.teller.error(question, error);
    return this.#aside(inquiry);
  }

  /** Computes anew in the background, once, what has just been served. */
  #refresh(inquiry: Inquiry): void {
    const { question, reading, asked } = inquiry;
    if (this.joinable(question, reading.versions, asked) !== undefined) return;
    this.inBackground(question, () => this.#lead(inquiry, undefined, true));
  }

  /** Runs what must not run twice at once for a key. */
  async inTurn<T>(key: string, run: () => Promise<T>): Promise<T> {
    const turn = (this.#inTurn.get(key) ?? Promise.resolve()).then(run, run);
    this.#inTurn.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#inTurn.get(key) === turn) this.#inTurn.delete(key);
    }
  }

  /** Runs something that nobody waits for; `idle()` does. */
  inBackground(question: Question, run: () => Promise<unknown>): void {
    // Without a scope: what is served now does not depend on what this will read.
    const work = runInScope(undefined, run)
      .catch((error: unknown) => this.teller.error(question, error))
      .finally(() => this.#background.delete(work));
    this.#background.add(work);
  }
}

/** What is to be had from a computation that is for its caller alone. */
const NOTHING: Outcome = { held: undefined, carried: [] };

/** A promise of the value; one for all where all may have the same value. */
function give(entry: Entry): Promise<unknown> {
  // A promise keeps the frame alive in which it was made, and the request with it.
  const promise = runApart(() => Promise.resolve(entry.held.give()));
  if (entry.held.shared) entry.promise = promise;
  return promise;
}

/** Lets later calls find the entry without asking the engine, while it is alive. */
function remember({ shortcut, rules }: Question, entry: Entry): void {
  if (shortcut === undefined || entry.table !== undefined || !entry.alive) return;
  // These are asked on every hit.
  if (rules.isStale !== undefined || rules.earlyRefresh !== 0) return;
  entry.table = shortcut.table;
  entry.place = shortcut.place;
  shortcut.table.set(shortcut.place, entry);
}
