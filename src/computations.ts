// Runs computations: one flight a question, versions before, entries after.
import type { Version } from "./entry.js";
import { marksOf } from "./judgement.js";
import type { Computed, Question, Recorder } from "./record.js";
import { expectedLife } from "./rules.js";
import { frames, type Scope } from "./scope.js";
import { Flight, type Outcome, type SingleFlight } from "./single-flight.js";
import type { Known, Versions } from "./versions.js";
import type { Reading } from "./store/store.js";

/** A question whose answer is being computed. */
export interface Underway {
  readonly question: Question;
  readonly flight: Flight;
  /** The versions of its tags, which existed before the computation started. */
  known: Known;
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

  /** Announces computations, so that others wait for them; `versions` are those just read. */
  begin(questions: readonly Question[], { versions }: Reading, scope: Scope): readonly Underway[] {
    const marks = marksOf(versions);
    return questions.map((question) => {
      const flight = new Flight(question, marks, { epoch: this.#versions.epoch, scope });
      this.#flights.start(flight);
      return { question, flight, known: [] };
    });
  }

  /** Makes the versions that are missing: before a computation, so that none is overtaken by one. */
  async establish(underway: readonly Underway[], reading: Reading): Promise<void> {
    if (reading.failed || underway.length === 0) return;
    const { tags, rules } = underway[0]!.question;
    const proposed = this.#versions.propose(
      tags,
      reading.versions,
      expectedLife(rules, this.#life),
    );
    const known = await this.#agree(underway, reading.versions, proposed);
    for (const one of underway) one.known = known;
  }

  async #agree(
    underway: readonly Underway[],
    found: Known,
    proposed: readonly Version[],
  ): Promise<Known> {
    if (proposed.length === 0) return found;
    const { tags } = underway[0]!.question;
    const marks = new Map(proposed.map(({ tag, mark }) => [tag, mark]));
    const hoped = tags.map((tag, index) => marks.get(tag) ?? found[index]?.mark);
    for (const { flight } of underway) flight.proposes(hoped);
    const known = await this.#versions.establish(tags, found, proposed);
    for (const { flight } of underway) flight.holds(marksOf(known));
    return known;
  }

  /** Stores results in one write, and gives them to those who wait. */
  async finish(done: readonly (readonly [Underway, Result])[]): Promise<readonly Outcome[]> {
    const prepared = await Promise.all(
      done.map(async ([{ question, flight, known }, { value, cost, keep }]) => {
        const computed = { flight, known, value, cost };
        const { outcome, entry } = await this.#recorder.prepare(question, computed);
        return { question, computed, outcome, entry: keep ? entry : undefined };
      }),
    );
    await this.#recorder.write(prepared);
    for (const { outcome, computed } of prepared) {
      computed.flight.resolve(outcome);
      this.#flights.end(computed.flight);
    }
    return prepared.map(({ outcome }) => outcome);
  }

  /** Gives a failure, or something to serve in its place, to those who wait. */
  abandon(underway: readonly Underway[], failure: { error: unknown } | { instead: Outcome }): void {
    for (const { flight } of underway) {
      if ("instead" in failure) flight.resolve(failure.instead);
      else flight.reject(failure.error);
      this.#flights.end(flight);
    }
  }
}

/** Runs something inside a scope that collects the tags of what it reads. */
export function runInScope<T>(scope: Scope | undefined, run: () => T): T {
  return frames.run({ request: frames.getStore()?.request, scope }, run);
}

/** The scope of the computation that this call belongs to. */
export function currentScope(): Scope | undefined {
  return frames.getStore()?.scope;
}
