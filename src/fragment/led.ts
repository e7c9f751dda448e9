// A fragment that its rendering is to make: for all who ask for it, or for itself alone.
import type { Lead } from "../claims.js";
import { currentScope, runInScope } from "../computations.js";
import type { Carried, Entry } from "../entry.js";
import type { Lookup } from "../lookup.js";
import type { Question } from "../record.js";
import { expectedFresh } from "../rules.js";
import { Scope } from "../scope.js";
import type { MaybePromise } from "../store/store.js";
import { hold } from "../value/copy.js";
import type { FragmentClaim, FragmentLead } from "./backend.js";

/** An answer that says what a text with this one in it carries. */
export interface Answer {
  readonly carried: readonly Carried[];
}

/** The fragment is for this rendering to make. */
export class LedFragment implements FragmentLead, Answer {
  readonly kind = "lead";
  readonly question: Question;
  readonly lead: Lead;
  readonly level: Scope;
  readonly #lookup: Lookup;
  /** The computation that waits for this one. */
  readonly #around: Scope | undefined = currentScope();
  /** How long the block ran, in seconds. */
  #duration = 0;
  /** What is served in place of a text that failed to come. */
  #served: Entry | undefined;

  /** @param level What waits for the blocks of this level. */
  constructor(lookup: Lookup, question: Question, { lead, level }: { lead: Lead; level: Scope }) {
    this.#lookup = lookup;
    this.question = question;
    this.lead = lead;
    this.level = level;
    this.#around?.waits.add(lead.scope);
  }

  get spare(): string | undefined {
    return this.#served?.held.give() as string | undefined;
  }

  get carried(): readonly Carried[] {
    return this.#served?.carried ?? this.lead.carried;
  }

  async run(block: () => MaybePromise<string>): Promise<string> {
    const { scope } = this.lead;
    const started = performance.now();
    this.level.waits.add(scope);
    try {
      return await this.lead.run(block);
    } finally {
      this.level.waits.delete(scope);
      this.#duration = (performance.now() - started) / 1000;
    }
  }

  awaits(other: FragmentLead): void {
    // Those who wait for this one already would wait in a circle.
    if (waitFor(this.lead.scope, other)) this.lead.free();
  }

  inherit(inner: FragmentClaim): void {
    inheritInto(this.lead.scope, inner, this.#lookup);
  }

  finish(text: string): void {
    this.#lookup.teller.miss(this.question, { duration: this.#duration });
    this.keep(text);
  }

  /** Ends with a text that nobody has asked for. */
  keep(text: string): void {
    const { rules } = this.question;
    const { staleWhileRevalidate, staleIfError } = rules;
    const fresh = expectedFresh(rules, this.#lookup.life);
    const life = { fresh, staleWhileRevalidate, staleIfError };
    this.#end();
    this.lead.finish({ held: hold(text, "copy"), tags: [], life });
  }

  fail(error: unknown): void {
    const { teller } = this.#lookup;
    this.abandon(error);
    if (this.#served === undefined) return;
    teller.error(this.question, error);
    teller.stale(this.question, this.#served, error);
  }

  /** Ends without a text; those who wait get what may stand in for it, or the error. */
  abandon(error: unknown): void {
    const { standIn } = this.lead;
    const stands = typeof standIn?.held.give() === "string";
    if (stands) this.#served = standIn;
    this.#end();
    if (stands) this.lead.release(standIn);
    else this.lead.fail(error);
  }

  release(): void {
    this.#end();
    this.lead.release();
  }

  #end(): void {
    this.#around?.waits.delete(this.lead.scope);
    currentScope()?.carry(this.carried, this.#lookup.versions);
  }
}

/** A fragment that is made for its rendering alone: others make it, too, or it is not cached. */
export class LoneFragment implements FragmentLead, Answer {
  readonly kind = "lead";
  readonly spare = undefined;
  /** What waits for it, and for those that were claimed with it. */
  readonly level: Scope;
  readonly #lookup: Lookup;
  readonly #scope: Scope;
  /** The computation that waits for this one. */
  readonly #around: Scope | undefined = currentScope();

  /** @param carried What it carries beyond what its block reads. */
  constructor(lookup: Lookup, carried: readonly Carried[], level?: Scope) {
    this.#lookup = lookup;
    this.#scope = new Scope(lookup.versions);
    this.#scope.carry(carried, lookup.versions);
    this.#around?.waits.add(this.#scope);
    level?.waits.add(this.#scope);
    this.level = level ?? this.#scope;
  }

  get carried(): readonly Carried[] {
    return this.#scope.carried;
  }

  run(block: () => MaybePromise<string>): MaybePromise<string> {
    return runInScope(this.#scope, block);
  }

  awaits(other: FragmentLead): void {
    waitFor(this.#scope, other);
  }

  inherit(inner: FragmentClaim): void {
    inheritInto(this.#scope, inner, this.#lookup);
  }

  finish(): void {
    this.release();
  }

  fail(): void {
    this.release();
  }

  release(): void {
    this.#around?.waits.delete(this.#scope);
    currentScope()?.carry(this.carried, this.#lookup.versions);
  }
}

function inheritInto(scope: Scope, inner: FragmentClaim, { versions }: Lookup): void {
  scope.carry((inner as FragmentClaim & Answer).carried, versions);
}

/** Waits for a lead's level, if it has one; tells whether that waits for this one in turn. */
function waitFor(scope: Scope, other: FragmentLead): boolean {
  const { level } = other as FragmentLead & { readonly level?: Scope };
  if (level === undefined) return false;
  scope.waits.add(level);
  return level.reaches(scope);
}
