// Questions whose asker computes in his own time and way: whole responses, template fragments.
import { currentScope, runInScope, type Trip, type Underway } from "./computations.js";
import type { Carried, Entry, Verdict } from "./entry.js";
import { carriedAside, verdictOn, type Marks } from "./judgement.js";
import type { Joining, Lookup } from "./lookup.js";
import type { Making, Question, Recordable } from "./record.js";
import { Scope } from "./scope.js";
import type { Flight, Outcome } from "./single-flight.js";
import type { Known } from "./versions.js";

/** The answer to a question: stored, to be made by the asker, or being made by another one. */
export type Claim = Hit | Lead | Follow;

/** Which entries an asker takes, given what they are good for by their times. */
export type Accepts = (
  entry: Entry,
  verdict: Exclude<Verdict, "dead">,
  question: Question,
) => boolean | Promise<boolean>;

/** Takes what is fresh, and what may be served while it is made anew. */
export const servable: Accepts = (_entry, verdict) => verdict !== "spare";

/**
 * Reads questions in one round trip and claims those whose entries are not accepted: for each of
 * them nobody else computes until the claim is ended. What is read leaves its tags on the
 * computation around it.
 */
export async function claim(
  lookup: Lookup,
  questions: readonly Question[],
  accepts: Accepts = servable,
): Promise<readonly Claim[]> {
  const keys = questions.map(({ key }) => key);
  const tags = [...new Set(questions.flatMap((question) => question.tags))];
  const { flights } = lookup;
  const asked = flights.turn();
  flights.opened(asked);
  try {
    const reading = await lookup.store.read(keys, tags);
    const round = new Round(lookup, { asked, tags, reading });
    const stored = reading.entries.filter((entry) => entry !== undefined);
    await lookup.learn(round.marks, stored);
    const found = await Promise.all(
      questions.map((question, index) => round.judge(question, reading.entries[index], accepts)),
    );
    // Decided in one go, so that nobody comes between.
    const claims = found.map((one) => round.decide(one));
    flights.closed(asked);
    await round.establish();
    return claims;
  } finally {
    flights.closed(asked);
  }
}

/** A question with its entry, if there is one that is good for anything. */
interface Found {
  readonly question: Question;
  readonly entry: Entry | undefined;
  readonly verdict: Verdict;
  readonly accepted: boolean;
}

/** One round trip for several questions. */
class Round {
  readonly marks: Marks;
  readonly #lookup: Lookup;
  readonly #trip: Trip;
  readonly #versions: ReadonlyMap<string, Known[number]>;
  readonly #underway: Underway[] = [];

  constructor(lookup: Lookup, trip: Trip) {
    const { tags, reading } = trip;
    this.#lookup = lookup;
    this.#trip = trip;
    this.#versions = new Map(tags.map((tag, index) => [tag, reading.versions[index]]));
    this.marks = new Map(tags.map((tag, index) => [tag, reading.versions[index]?.mark]));
  }

  async judge(question: Question, entry: Entry | undefined, accepts: Accepts): Promise<Found> {
    const verdict = entry === undefined ? "dead" : verdictOn(question, entry, this.marks);
    if (entry === undefined || verdict === "dead") {
      return { question, entry: undefined, verdict: "dead", accepted: false };
    }
    return { question, entry, verdict, accepted: await accepts(entry, verdict, question) };
  }

  decide({ question, entry, verdict, accepted }: Found): Claim {
    const flight = this.#lookup.joinable(question, this.#known(question), this.#trip.asked);
    if (entry !== undefined && accepted) {
      currentScope()?.carry(entry.carried, this.#lookup.versions);
      const renews = verdict !== "fresh" && flight === undefined;
      const renew = renews ? this.#lead(question, entry) : undefined;
      return new Hit(entry, verdict, renew);
    }
    if (flight === undefined) return this.#lead(question, entry);
    const asker = { asked: this.#trip.asked, tags: question.tags };
    const aside = carriedAside(question, this.#known(question));
    return new Follow(this.#lookup, flight, { ...asker, aside });
  }

  /** Makes the versions that the leads' entries will carry, before any of them computes. */
  async establish(): Promise<void> {
    const { computations } = this.#lookup;
    try {
      await computations.establish(this.#underway, this.#trip);
    } catch (error) {
      // A strict store's failure: nobody gets these leads, so nobody would end them.
      computations.abandon(this.#underway, { error });
      throw error;
    }
  }

  #lead(question: Question, spare: Entry | undefined): Lead {
    const { computations } = this.#lookup;
    const underway = computations.begin(
      question,
      this.#known(question),
      new Scope(this.#lookup.versions),
    );
    this.#underway.push(underway);
    return new Lead(this.#lookup, underway, spare);
  }

  #known({ tags }: Question): Known {
    return tags.map((tag) => this.#versions.get(tag));
  }
}

/** The question is answered by an entry. */
export class Hit {
  readonly kind = "hit";
  readonly entry: Entry;
  readonly verdict: Verdict;
  /** Present when the entry is past its time and nobody makes it anew yet. */
  readonly renew: Lead | undefined;

  constructor(entry: Entry, verdict: Verdict, renew: Lead | undefined) {
    this.entry = entry;
    this.verdict = verdict;
    this.renew = renew;
  }

  get carried(): readonly Carried[] {
    return this.entry.carried;
  }
}

/**
 * The asker is the one to compute. A lead ends with exactly one of `finish()` followed by
 * `settle()`, `fail()` and `release()`; what was finished may be released instead of settled.
 */
export class Lead {
  readonly kind = "lead";
  /** An entry that is not accepted, but may be of use: to be validated, or if computing fails. */
  readonly spare: Entry | undefined;
  readonly #lookup: Lookup;
  readonly #underway: Underway;
  readonly #started = performance.now();
  #making: Promise<Recordable & { readonly outcome: Outcome }> | undefined;

  constructor(lookup: Lookup, underway: Underway, spare: Entry | undefined) {
    this.#lookup = lookup;
    this.#underway = underway;
    this.spare = spare;
  }

  /** Where what the computation reads is collected. */
  get scope(): Scope {
    return this.#underway.flight.scope;
  }

  /** The entry that may be served in place of a result that failed to come. */
  get standIn(): Entry | undefined {
    const { spare } = this;
    if (spare === undefined) return undefined;
    return this.#lookup.standsIn(spare, this.#underway.flight) ? spare : undefined;
  }

  /** Whether anybody waits for the result. */
  get isAwaited(): boolean {
    return this.#underway.flight.waiting > 0;
  }

  /** What the computation has carried so far, for a result built from this one. */
  get carried(): readonly Carried[] {
    const { question, known, flight } = this.#underway;
    const own = question.tags.flatMap((tag, index) => {
      const mark = known[index]?.mark;
      return mark === undefined ? [] : [{ tag, mark }];
    });
    return [...own, ...flight.scope.carried];
  }

  /** Runs a part of the computation, which carries the tags of all that is read in it. */
  run<T>(part: () => T): T {
    return runInScope(this.scope, part);
  }

  /** Tells those who wait the result; it is not stored before `settle()`. */
  finish(making: Making): void {
    const { computations } = this.#lookup;
    const cost = performance.now() - this.#started;
    this.#making = computations.make(this.#underway, { ...making, cost }).then((made) => {
      this.#underway.flight.resolve(made.outcome);
      return made;
    });
    this.#making.catch((error: unknown) => this.#underway.flight.reject(error));
  }

  /** The entry, once it is made. */
  async made(): Promise<Recordable | undefined> {
    return this.#making;
  }

  /** Those who wait get the error, and nothing is stored. */
  fail(error: unknown): void {
    this.#lookup.computations.abandon([this.#underway], { error });
  }

  /** Those who wait compute their own, at once, or get something else; nothing is stored. */
  release(instead: Outcome = NOTHING): void {
    this.#lookup.computations.abandon([this.#underway], { instead });
  }

  /** Nobody waits any more, now or later: all compute their own, at once. The claim goes on. */
  free(): void {
    this.#underway.flight.resolve(NOTHING);
  }

  /**
   * Ends with a result: stores what `shape` makes of it, and only then tells those who wait.
   *
   * @returns whether it was stored
   */
  async conclude(making: Making, shape: (entry: Entry) => Shaped | undefined): Promise<boolean> {
    const { computations, store } = this.#lookup;
    const { flight } = this.#underway;
    const cost = performance.now() - this.#started;
    try {
      const { outcome, entry, ...made } = await computations.make(this.#underway, {
        ...making,
        cost,
      });
      const shaped = entry !== undefined && flight.storable ? shape(entry) : undefined;
      if (shaped !== undefined) {
        // In one write with the entry, which `keep()` waits for where that is wanted.
        Promise.resolve(store.write(shaped.beside)).catch(() => undefined);
        await computations.keep([{ ...made, entry: shaped.entry }]);
      }
      flight.resolve(outcome);
      return shaped !== undefined;
    } finally {
      this.release();
    }
  }
}

/** A result as it is stored: an entry, with others that belong to it. */
export interface Shaped {
  readonly entry: Entry;
  readonly beside: readonly Entry[];
}

const NOTHING: Outcome = { held: undefined, carried: [] };

/** Stores what leads have finished in one write, and ends them. */
export async function settle(lookup: Lookup, leads: readonly Lead[]): Promise<void> {
  const made = await Promise.all(leads.map((lead) => lead.made()));
  await lookup.computations.keep(made.filter((one) => one !== undefined));
}

/** Who has asked what another one computes. */
interface Asker extends Omit<Joining, "epoch"> {
  readonly aside: readonly Carried[];
}

/** Another asker computes. */
export class Follow {
  readonly kind = "follow";
  readonly #lookup: Lookup;
  readonly #flight: Flight;
  readonly #asker: Asker;

  constructor(lookup: Lookup, flight: Flight, asker: Asker) {
    this.#lookup = lookup;
    this.#flight = flight;
    this.#asker = asker;
  }

  /** What a result carries that the asker computes beside the other one. */
  get aside(): readonly Carried[] {
    return this.#asker.aside;
  }

  /**
   * Waits for the result; rejects with the error of the computation.
   *
   * @param holding leads of the caller that do not end before the wait is over
   * @returns the result, or `undefined` when there is none for others, or none that is new enough;
   * without a promise, when the other computation waits for this caller
   */
  join(holding: readonly Lead[] = []): Promise<Outcome | undefined> | undefined {
    const scopes = holding.map(({ scope }) => scope);
    const current = currentScope();
    if (current !== undefined) scopes.push(current);
    if (scopes.some((scope) => this.#flight.scope.reaches(scope))) return undefined;
    return this.#wait(scopes, current);
  }

  async #wait(scopes: readonly Scope[], current: Scope | undefined): Promise<Outcome | undefined> {
    const flight = this.#flight;
    const { versions } = this.#lookup;
    const joining = { ...this.#asker, epoch: versions.epoch };
    for (const scope of scopes) scope.waits.add(flight.scope);
    flight.waiting += 1;
    try {
      const outcome = await flight.done;
      if (outcome.held === undefined) return undefined;
      if (await this.#lookup.isOvertaken(outcome, flight, joining)) return undefined;
      current?.carry(outcome.carried, versions);
      return outcome;
    } finally {
      flight.waiting -= 1;
      for (const scope of scopes) scope.waits.delete(flight.scope);
    }
  }
}
