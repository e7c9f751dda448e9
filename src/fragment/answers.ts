// The answers of the engine to the fragments of a rendering: stored, being made, or none.
import type { Follow } from "../claims.js";
import type { Carried, Entry } from "../entry.js";
import type { Lookup } from "../lookup.js";
import type { Question } from "../record.js";
import type { Outcome } from "../single-flight.js";
import type { MaybePromise } from "../store/store.js";
import type { FragmentFollow, FragmentHit, FragmentLead } from "./backend.js";
import { LedFragment, LoneFragment, type Answer } from "./led.js";

/** The fragment is stored. */
export class StoredFragment implements FragmentHit, Answer {
  readonly kind = "hit";
  readonly text: string;
  readonly carried: readonly Carried[];
  readonly renew: LedFragment | undefined;

  constructor(entry: Entry, renew: LedFragment | undefined) {
    this.text = entry.held.give() as string;
    this.carried = entry.carried;
    this.renew = renew;
  }
}

/** The fragment is being made by another rendering. */
export class FollowedFragment implements FragmentFollow, Answer {
  readonly kind = "follow";
  readonly #lookup: Lookup;
  readonly #question: Question;
  readonly #follow: Follow;
  #outcome: Outcome | undefined;

  constructor(lookup: Lookup, question: Question, follow: Follow) {
    this.#lookup = lookup;
    this.#question = question;
    this.#follow = follow;
  }

  get carried(): readonly Carried[] {
    return this.#outcome?.carried ?? [];
  }

  join(holding: readonly FragmentLead[]): Promise<string | undefined> | undefined {
    const own = holding.filter((lead) => lead instanceof LedFragment);
    const waiting = this.#follow.join(own.map(({ lead }) => lead));
    return waiting?.then((outcome) => {
      this.#outcome = outcome;
      const text: unknown = outcome?.held?.give();
      if (typeof text !== "string") return undefined;
      this.#lookup.teller.miss(this.#question, { collapsed: true });
      return text;
    });
  }

  aside(): FragmentLead {
    this.#lookup.teller.miss(this.#question, {});
    return new LoneFragment(this.#lookup, this.#follow.aside);
  }
}

/** A fragment of a cache that is off: its block runs as if there were no tag. */
export class UncachedFragment implements FragmentLead, Answer {
  readonly kind = "lead";
  readonly spare = undefined;
  readonly carried: readonly Carried[] = [];

  run(block: () => MaybePromise<string>): MaybePromise<string> {
    return block();
  }

  awaits(): void {}

  inherit(): void {}

  finish(): void {}

  fail(): void {}

  release(): void {}
}
