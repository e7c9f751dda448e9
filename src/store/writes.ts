// Writes on their way to the store: the last one of an address wins, and they arrive in order.
import type { Entry } from "../entry.js";
import { endOfTick } from "./tick.js";

/** What is to become of an address. */
export interface Change {
  /** Makes the text to be stored; absent: what is there is removed. */
  readonly text?: () => string;
  /** When the text ends, in milliseconds since 1970. */
  readonly until: number;
  /** The entry in the text, which readers in this process see at once. */
  readonly entry?: Entry;
  /** What is there now must not be read again, even if the store does not take the change. */
  readonly binding: boolean;
}

/** Changes that are sent together. */
export interface Parcel {
  readonly changes: Map<string, Change>;
  /** What has to be settled before they are sent. */
  readonly after: Promise<unknown>[];
  deadline: number;
}

/** Brings a parcel to the store; rejects if the store may not have taken it. */
export type Send = (parcel: Parcel) => Promise<void>;

interface Posted extends Parcel {
  readonly done: Promise<void>;
}

/**
 * Sends one parcel at a time. What is written while one is under way goes into the next, so that
 * two changes of one address never overtake each other, whatever connections the store uses.
 */
export class Writes {
  readonly #send: Send;
  #next: Posted | undefined;
  #sent: Posted | undefined;

  constructor(send: Send) {
    this.#send = send;
  }

  /** Resolves when the store has taken the changes. */
  put(
    changes: ReadonlyMap<string, Change>,
    deadline: number,
    after?: Promise<unknown>,
  ): Promise<void> {
    const parcel = (this.#next ??= this.#post());
    for (const [address, change] of changes) {
      const binding = change.binding || parcel.changes.get(address)?.binding === true;
      parcel.changes.set(address, { ...change, binding });
    }
    parcel.deadline = Math.min(parcel.deadline, deadline);
    if (after !== undefined) parcel.after.push(after);
    return parcel.done;
  }

  /** What an address is about to become. */
  peek(address: string): Change | undefined {
    return this.#next?.changes.get(address) ?? this.#sent?.changes.get(address);
  }

  /** Settles with the changes of these addresses; `undefined` if there are none under way. */
  settled(addresses: readonly string[]): Promise<unknown> | undefined {
    const concerned = [this.#next, this.#sent].filter(
      (parcel) => parcel && addresses.some((address) => parcel.changes.has(address)),
    );
    if (concerned.length === 0) return undefined;
    return Promise.allSettled(concerned.map((parcel) => parcel!.done));
  }

  /** Nobody sees the entries under way any more, and those that can be stopped are not stored. */
  dropEntries(): void {
    for (const parcel of [this.#next, this.#sent]) {
      for (const [address, { entry }] of parcel?.changes ?? []) {
        if (entry !== undefined) parcel!.changes.delete(address);
      }
    }
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#next !== undefined || this.#sent !== undefined) {
      // oxlint-disable-next-line no-await-in-loop -- what is written meanwhile is waited for too
      await Promise.allSettled([this.#next?.done, this.#sent?.done]);
    }
  }

  #post(): Posted {
    const parcel: Parcel = { changes: new Map(), after: [], deadline: Infinity };
    const done = this.#deliver(parcel, this.#sent?.done);
    // Who wrote hears of a failure by his own promise, if he listens.
    done.catch(() => undefined);
    return Object.assign(parcel, { done });
  }

  async #deliver(parcel: Parcel, previous: Promise<void> | undefined): Promise<void> {
    await endOfTick();
    await previous?.catch(() => undefined);
    this.#sent = this.#next;
    this.#next = undefined;
    try {
      await this.#send(parcel);
    } finally {
      this.#sent = undefined;
    }
  }
}
