// Brings parcels of changes to the store, and sees to what it does not take.
import { StoreError } from "../errors.js";
import type { Refusal } from "./backend.js";
import type { Load, Remote } from "./remote.js";
import type { Report } from "./store.js";
import type { Change, Parcel } from "./writes.js";

type Changes = ReadonlyMap<string, Change>;

/** What a courier needs. */
export interface CourierOptions {
  readonly remote: Remote;
  /** The name of the store in messages. */
  readonly tier: string;
  readonly report: Report;
}

/** Turns changes into texts and removals when their time has come. */
export class Courier {
  readonly #options: CourierOptions;

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /** Rejects if the store may not have taken all; what must not be read again is owed then. */
  async deliver({ changes, after, deadline }: Parcel): Promise<void> {
    const { remote } = this.#options;
    try {
      const refusals = await remote.write(deadline, async () => {
        await Promise.allSettled(after);
        return this.#load(changes);
      });
      for (const refusal of refusals) this.#refused(refusal, changes);
    } catch (error) {
      const binding = [...changes].filter(([, change]) => change.binding);
      remote.owe(binding.map(([address]) => address));
      throw error;
    }
  }

  #load(changes: Changes): Load {
    const texts = [];
    const removed = [];
    for (const [address, change] of changes) {
      const text = this.#textOf(change);
      if (text === undefined) removed.push(address);
      else texts.push({ address, text, until: change.until });
    }
    return { texts, removed };
  }

  /** What cannot be written as text is reported, and nothing is stored in its place. */
  #textOf({ text, entry }: Change): string | undefined {
    try {
      return text?.();
    } catch (error) {
      this.#options.report(error as Error, entry?.key);
      return undefined;
    }
  }

  #refused({ address, reason }: Refusal, changes: Changes): void {
    const { remote, tier, report } = this.#options;
    remote.owe([address]);
    const cause = reason instanceof Error ? reason.message : String(reason);
    const error = new StoreError(`The ${tier} store refused a value: ${cause}`, { cause: reason });
    report(error, changes.get(address)?.entry?.key);
  }
}
