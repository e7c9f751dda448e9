// Runs computations: one flight a question, versions before, entries after.
import { carriedWith, marksOf } from "./judgement.js";
import type { Computed, Making, Question, Recordable, Recorder } from "./record.js";
import { expectedLife } from "./rules.js";
import { frames, type Frame, type Scope } from "./scope.js";
import { Flight, type Outcome, type SingleFlight } from "./single-flight.js";
import type { Known, Versions } from "./versions.js";
import type { MaybePromise, Reading } from "./store/store.js";

/** A question whose answer is being computed. */
export interface Underway {
  readonly question: Question;
  readonly flight: Flight;
  /** The versions of its tags, which existed before the computation started. */
  known: Known;
}

/** What was asked of the store and what came back. */
export interface Trip {
  /** The turn at which it was asked. */
  readonly asked: number;
  readonly tags: readonly string[];
  readonly reading: Reading;
}

/** What computing a question gave. */
export type Result = Pick<Computed, "value" | "cost"> & { readonly keep: boolean };

/** What computations need. */
export interface ComputationParts {
  readonly versions: Versions;
  readonly flights: SingleFlight;
  readonly recorder: Recorder;
  readonly life: number;
}

/** Starts and ends the computations of one cache. */
export class Computations {
  readonly #versions: Versions;
  readonly #flights: SingleFlight;
  readonly #recorder: Recorder;
  readonly #life: number;

  constructor({ versions, flights, recorder, life }: ComputationParts) {
    this.#versions = versions;
    this.#flights = flights;
    this.#recorder = recorder;
    this.#life = life;
  }

  /** Announces a computation, so that others wait for it; `versions` are those just read. */
  begin(question: Question, versions: Known, scope: Scope): Underway {
    const flight = new Flight(question, marksOf(versions), { epoch: this.#versions.epoch, scope });
    this.#flights.start(flight);
    return { question, flight, known: [] };
  }

  /**
   * Makes the versions that are missing: before the computations, so that none is overtaken by one.
   * The tags of the trip are those of all questions.
   */
  establish(underway: readonly Underway[], { asked, tags, reading }: Trip): MaybePromise<void> {
    if (underway.length === 0) return undefined;
    const { failed, versions: found } = reading;
    const lives = underway.map(({ question }) => expectedLife(question.rules, this.#life));
    const proposed = failed ? [] : this.#versions.propose(tags, found, Math.max(...lives));
    const made = this.#versions.establish(tags, { found, asked }, proposed);
    if (made instanceof Promise) return made.then((known) => this.#start(underway, tags, known));
    return this.#start(underway, tags, made);
  }

  #start(underway: readonly Underway[], tags: readonly string[], known: Known): void {
    const versions = new Map(tags.map((tag, index) => [tag, known[index]]));
    const turn = this.#flights.turn();
    for (const one of underway) {
      one.known = one.question.tags.map((tag) => versions.get(tag));
      one.flight.start(turn, marksOf(one.known));
      // Also for what is built from a failure, or reads before it fails.
      one.flight.scope.carry(carriedWith(one.question.tags, one.known), this.#versions);
    }
  }

  /** Stores results in one write, and gives them to those who wait. */
  async finish(done: readonly (readonly [Underway, Result])[]): Promise<readonly Outcome[]> {
    const prepared = await Promise.all(
      done.map(async ([{ question, flight, known }, { value, cost, keep }]) => {
        const computed = { flight, known, value, cost };
        const { outcome, entry } = await this.#recorder.prepare(question, computed, keep);
        return { question, computed, outcome, entry };
      }),
    );
    await this.#write(prepared);
    for (const { outcome, computed } of prepared) {
      computed.flight.resolve(outcome);
      this.#flights.end(computed.flight);
    }
    return prepared.map(({ outcome }) => outcome);
  }

  /** Makes the entry of a result that was held already; it is stored by `keep()`. */
  async make(
    { question, flight, known }: Underway,
    { cost, ...making }: Making & { readonly cost: number },
  ): Promise<Recordable & { readonly outcome: Outcome }> {
    const computed = { flight, known, value: undefined, cost };
    const { outcome, entry } = await this.#recorder.make(question, computed, making);
    return { question, computed, outcome, entry };
  }

  /** Stores entries in one write, and ends their flights. */
  async keep(made: readonly Recordable[]): Promise<void> {
    try {
      await this.#write(made);
    } finally {
      for (const { computed } of made) this.#flights.end(computed.flight);
    }
  }

  #write(made: readonly Recordable[]): MaybePromise<void> {
    const written = this.#recorder.write(made);
    for (const { computed } of made) this.#flights.overtake(computed.flight);
    return written;
  }

  /** Gives a failure, or something to serve in its place, to those who wait. */
  abandon(underway: readonly Underway[], failure: { error: unknown } | { instead: Outcome }): void {
    for (const { flight } of underway) {
      if ("instead" in failure) flight.resolve(spareOf(failure.instead));
      else flight.reject(failure.error);
      this.#flights.end(flight);
    }
  }
}

function spareOf({ held, carried }: Outcome): Outcome {
  return { held, carried, isSpare: true };
}

/**
 * Runs something inside a scope that collects the tags of what it reads. It stands in no rendering:
 * a placeholder of the rendering around it would be stored with the result.
 */
export function runInScope<T>(scope: Scope | undefined, run: () => T): T {
  return frames.run({ request: frames.getStore()?.request, scope, rendering: undefined }, run);
}

const NOWHERE: Frame = { request: undefined, scope: undefined, rendering: undefined };

/** Runs something whose traces may outlive the request and the computation it is run in. */
export function runApart<T>(run: () => T): T {
  return frames.run(NOWHERE, run);
}

/** The scope of the computation that this call belongs to. */
export function currentScope(): Scope | undefined {
  return frames.getStore()?.scope;
}
