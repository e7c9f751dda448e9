// One computation a key at a time: flights, and who may join them.
import type { Carried, Held } from "./entry.js";
import type { Scope } from "./scope.js";

/** What a flight brought. `held` is absent when the value cannot be given to anybody else. */
export interface Outcome {
  readonly held: Held | undefined;
  readonly carried: readonly Carried[];
  /** It was stored before, and stands in for a result that failed to come. */
  readonly isSpare?: boolean;
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
  /** How many callers wait for it. */
  waiting: number = 0;
  /** False once nobody may join any more: its key was deleted, set, or is computed anew. */
  isOpen: boolean = true;
  /** False once its result must not be stored: its key was deleted, set, or was computed anew. */
  storable: boolean = true;
  readonly done: Promise<Outcome>;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
  /** The marks of its tags. */
  #marks: Marks;
  /** The turn at which the function began to run. */
  started: number = Infinity;

  constructor(identity: Identity, marks: Marks, { epoch, scope }: Pick<Flight, "epoch" | "scope">) {
    this.identity = identity;
    this.#marks = marks;
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

  /** The function begins to run; versions that were missing have been made. */
  start(turn: number, marks: Marks): void {
    this.started = turn;
    this.#marks = marks;
  }

  /**
   * Whether a call that read these marks asks what this flight answers. Whatever it read, it may
   * have what was computed after it asked.
   */
  answers({ check, tags }: Identity, marks: Marks, asked: number): boolean {
    return (
      this.identity.check === check &&
      equal(this.identity.tags, tags) &&
      (asked < this.started || equal(this.#marks, marks))
    );
  }
}

type Marks = readonly (string | undefined)[];

function equal(left: Marks, right: Marks): boolean {
  return left.length === right.length && left.every((mark, index) => mark === right[index]);
}

/** The flights of one cache. */
export class SingleFlight {
  /** The computations of each key, oldest first. */
  readonly #running = new Map<string, readonly Flight[]>();
  /** Flights that ended during a read that is still under way, in the order of their ends. */
  readonly #landed = new Map<string, { readonly flight: Flight; readonly turn: number }>();
  /** The turns at which the reads under way began, in their order. */
  readonly #reads = new Set<number>();
  #turns = 0;

  /** Numbers what happens, in its order. */
  turn(): number {
    this.#turns += 1;
    return this.#turns;
  }

  /** The flight of a key that a call may consider: one under way, or ended since it asked. */
  of(key: string, asked: number): Flight | undefined {
    const newest = this.#running.get(key)?.at(-1);
    if (newest?.isOpen === true) return newest;
    const landed = this.#landed.get(key);
    return landed !== undefined && asked < landed.turn ? landed.flight : undefined;
  }

  /** A read that began at this turn is under way: it may miss what is written meanwhile. */
  opened(asked: number): void {
    this.#reads.add(asked);
  }

  /** The read is over, and whoever asked has decided what to do. */
  closed(asked: number): void {
    this.#reads.delete(asked);
    const [oldest = Infinity] = this.#reads;
    for (const [key, { turn }] of this.#landed) {
      if (turn > oldest) return;
      this.#landed.delete(key);
    }
  }

  /** Starts a flight; nobody joins an older one of the same key any more. */
  start(flight: Flight): void {
    const { key } = flight.identity;
    const running = this.#running.get(key) ?? [];
    for (const older of running) older.isOpen = false;
    this.#running.set(key, [...running, flight]);
    this.#landed.delete(key);
  }

  /** A flight has its result: what older ones of the same key bring later is not stored. */
  overtake(flight: Flight): void {
    for (const older of this.#running.get(flight.identity.key) ?? []) {
      if (older === flight) return;
      older.storable = false;
    }
  }

  /** Ends a flight. */
  end(flight: Flight): void {
    flight.scope.close();
    const { key } = flight.identity;
    const others = this.#running.get(key)?.filter((other) => other !== flight) ?? [];
    if (others.length === 0) this.#running.delete(key);
    else this.#running.set(key, others);
    if (flight.isOpen && this.#reads.size > 0) {
      this.#landed.set(key, { flight, turn: this.turn() });
    }
  }

  /** Nobody joins the flights of a key any more, and what they bring is not stored. */
  drop(key: string): void {
    this.#landed.delete(key);
    for (const flight of this.#running.get(key) ?? []) {
      flight.isOpen = false;
      flight.storable = false;
    }
  }

  /** Drops all flights. */
  dropAll(): void {
    for (const key of this.#running.keys()) this.drop(key);
    this.#landed.clear();
  }
}
