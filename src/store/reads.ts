// Reads of one tick, answered by one question to the store.
import { endOfTick } from "./tick.js";

/** What was found, by address. */
export type Found = ReadonlyMap<string, unknown>;

/** Asks the store what is at these addresses; the answers are in their order. */
export type Ask = (addresses: readonly string[], deadline: number) => Promise<readonly unknown[]>;

/** What is asked for in one tick. */
interface Question {
  readonly addresses: Set<string>;
  deadline: number;
}

interface Asked extends Question {
  readonly found: Promise<Found>;
}

/** Gathers the reads of a tick. */
export class Reads {
  readonly #ask: Ask;
  #gathering: Asked | undefined;
  readonly #underWay = new Set<Promise<Found>>();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** What is at the addresses; everybody who asks in this tick gets one and the same answer. */
  ask(addresses: readonly string[], deadline: number): Promise<Found> {
    const question = (this.#gathering ??= this.#gather());
    for (const address of addresses) question.addresses.add(address);
    question.deadline = Math.min(question.deadline, deadline);
    return question.found;
  }

  /** Resolves when no read is under way. */
  async idle(): Promise<void> {
    // oxlint-disable-next-line no-await-in-loop -- what begins meanwhile is waited for too
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  #gather(): Asked {
    const question: Question = { addresses: new Set(), deadline: Infinity };
    const found = this.#answer(question).finally(() => this.#underWay.delete(found));
    this.#underWay.add(found);
    return Object.assign(question, { found });
  }

  async #answer(question: Question): Promise<Found> {
    await endOfTick();
    this.#gathering = undefined;
    const addresses = [...question.addresses];
    const answers = await this.#ask(addresses, question.deadline);
    return new Map(addresses.map((address, index) => [address, answers[index]]));
  }
}
