// One computation a key at a time: flights, and who may join them.
import type { Carried, Held } from "./entry.js";
import type { Scope } from "./scope.js";

/** What a flight brought. `held` is absent when the value cannot be given to anybody else. */
export interface Outcome {
  readonly held: Held | undefined;
  readonly carried: readonly Carried[];
}

/** What makes two calls the same question. */
export interface Identity {
  readonly key: string;
  readonly owner: string | undefined;
  readonly check: string | undefined;
  readonly tags: readonly string[];
}

/** A computation that others may wait for. */
export class Flight {
  readonly identity: Identity;
  /** Where what the computation reads is collected; computations of one run share it. */
  readonly scope: Scope;
  /** The invalidation count when it started. */
  readonly epoch: number;
  /** False once its result must not be stored: its key was deleted, set, or computed anew. */
  storable = true;
  readonly done: Promise<Outcome>;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
  /** The lists of marks that a caller may have read for its tags and still join. */
  #joinable: readonly Marks[];

  constructor(identity: Identity, marks: Marks, { epoch, scope }: Pick<Flight, "epoch" | "scope">) {
    this.identity = identity;
    this.#joinable = [marks];
    this.epoch = epoch;
    this.scope = scope;
    let settle!: Pick<Flight, "resolve" | "reject">;
    this.done = new Promise((resolve, reject) => {
      settle = { resolve, reject };
    });
    this.resolve = settle.resolve;
    this.reject = settle.reject;
    // A failure reaches the caller that computes by its own promise; others may not exist.
    this.done.catch(() => undefined);
  }

  /** While versions are being made, callers may have read none, or those proposed. */
  proposes(marks: Marks): void {
    this.#joinable = [...this.#joinable, marks];
  }

  /** The versions hold; callers that read any others do not join. */
  holds(marks: Marks): void {
    this.#joinable = [marks];
  }

  /** Whether a call that read these marks asks what this flight answers. */
  answers(identity: Identity, marks: Marks): boolean {
    return (
      this.identity.check === identity.check && this.#joinable.some((known) => equal(known, marks))
    );
  }
}

type Marks = readonly (string | undefined)[];

function equal(left: Marks, right: Marks): boolean {
  return left.length === right.length && left.every((mark, index) => mark === right[index]);
}

/** The flights of one cache. */
export class SingleFlight {
  readonly #flights = new Map<string, Flight>();

  /** The flight of a key that new callers may consider. */
  of(key: string): Flight | undefined {
    return this.#flights.get(key);
  }

  /** Starts a flight; an older one of the same key ends unseen: nobody joins it or stores it. */
  start(flight: Flight): void {
    this.drop(flight.identity.key);
    this.#flights.set(flight.identity.key, flight);
  }

  /** Ends a flight. */
  end(flight: Flight): void {
    const { key } = flight.identity;
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }

  /** Nobody joins the flight of a key any more, and what it brings is not stored. */
  drop(key: string): void {
    const flight = this.#flights.get(key);
    if (flight === undefined) return;
    flight.storable = false;
    this.#flights.delete(key);
  }

  /** Drops all flights. */
  dropAll(): void {
    for (const key of this.#flights.keys()) this.drop(key);
  }
}
