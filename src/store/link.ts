// Every operation on a remote store goes through here: its deadline, its failure, the breaker.
import { StoreError, StoreTimeoutError } from "../errors.js";
import { Breaker, type Admission, type BreakerLimits } from "./breaker.js";
import { LATE, within } from "./deadline.js";
import type { Report } from "./store.js";

/** What a link is made of. */
export interface LinkOptions {
  /** The name of the store in messages. */
  readonly tier: string;
  readonly breaker: BreakerLimits;
  /** Failures are thrown and not reported. */
  readonly strict: boolean;
  readonly report: Report;
  /** Told when the store is left alone, so that a connection that is lost can be made anew. */
  readonly onRest: () => void;
}

/** An operation under way; `event` is what the store complained of meanwhile. */
interface Call {
  readonly what: string;
  readonly admission: Admission;
  event: Error | undefined;
}

/** Guards the operations of one store. */
export class Link {
  readonly #options: LinkOptions;
  readonly #breaker: Breaker;
  readonly #underWay = new Set<Call>();
  /** Whether a failure was reported since the store last answered. */
  #troubled = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#breaker = new Breaker(options.breaker);
  }

  /**
   * Runs an operation: to `deadline` at the longest, and not at all while the store is left alone.
   * Rejects with a `StoreError` only, which has been reported unless the link is strict.
   */
  async call<T>(what: string, deadline: number, work: () => Promise<T>): Promise<T> {
    const admission = this.#breaker.admit();
    if (admission === undefined) throw new StoreError(`${this.#name(what)}: it is left alone.`);
    const call: Call = { what, admission, event: undefined };
    this.#underWay.add(call);
    try {
      const result = await within(work(), deadline);
      this.#breaker.succeeded();
      this.#troubled = false;
      return result;
    } catch (cause) {
      throw this.#failed(call, cause);
    } finally {
      this.#underWay.delete(call);
    }
  }

  /** Takes an error that the store told of by an event. */
  noticed(event: Error): void {
    for (const call of this.#underWay) call.event ??= event;
    if (this.#underWay.size === 0 && !this.#troubled) {
      this.#troubled = true;
      this.report(`The ${this.#options.tier} store is in trouble: ${event.message}`, event);
    }
  }

  /** Reports a failure that does not speak against the store as a whole. */
  report(message: string, cause: unknown, key?: string): void {
    this.#options.report(new StoreError(message, { cause }), key);
  }

  #failed(call: Call, cause: unknown): StoreError {
    const { strict, report, onRest } = this.#options;
    const rested = this.#breaker.rests;
    const rests = this.#breaker.failed(call.admission);
    const error = this.#error(call, cause, rests && !rested);
    this.#troubled = true;
    if (rests) onRest();
    // Of many calls that fail together, those after the store is left alone say nothing new.
    if (!strict && (!rested || call.admission === "probe")) report(error);
    return error;
  }

  #error({ what, event }: Call, cause: unknown, opened: boolean): StoreError {
    const { failures, rest } = this.#options.breaker;
    const consequence = opened
      ? ` That was failure ${failures} in a row: it is left alone and tried every ${rest / 1000} s.`
      : "";
    if (cause === LATE) {
      const message = `${this.#name(what)} in time (storeTimeout).${consequence}`;
      return new StoreTimeoutError(message, { cause: event });
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new StoreError(`${this.#name(what)}: ${reason}.${consequence}`, { cause });
  }

  #name(what: string): string {
    return `The ${this.#options.tier} store did not ${what}`;
  }
}
