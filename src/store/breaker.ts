// When a failing store is left alone, and when it is asked again.

/** A call let through: one of many, or the one that tries whether the store answers again. */
export type Admission = "call" | "probe";

/** After how many failures in a row a store is left alone, and for how many milliseconds. */
export interface BreakerLimits {
  readonly failures: number;
  readonly rest: number;
}

/** Counts failures in a row; lets one call through at a time once there were too many. */
export class Breaker {
  readonly #limits: BreakerLimits;
  #failures = 0;
  /** Until when the store is left alone; `undefined` while it is trusted. */
  #restsUntil: number | undefined;
  #probing = false;

  constructor(limits: BreakerLimits) {
    this.#limits = limits;
  }

  /** Whether a call may go to the store, and as what. */
  admit(): Admission | undefined {
    if (this.#restsUntil === undefined) return "call";
    if (this.#probing || Date.now() < this.#restsUntil) return undefined;
    this.#probing = true;
    return "probe";
  }

  /** The store has answered: it is trusted again. */
  succeeded(): void {
    this.#failures = 0;
    this.#restsUntil = undefined;
    this.#probing = false;
  }

  /** The store has failed; tells whether it is left alone from now on, be it for another time. */
  failed(admission: Admission): boolean {
    const rests = this.#restsUntil !== undefined;
    if (rests && admission === "call") return false;
    this.#failures += 1;
    if (!rests && this.#failures < this.#limits.failures) return false;
    this.#probing = false;
    this.#restsUntil = Date.now() + this.#limits.rest;
    return true;
  }

  /** Whether the store is being left alone. */
  get rests(): boolean {
    return this.#restsUntil !== undefined;
  }
}
