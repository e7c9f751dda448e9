// One rendering: tags leave placeholders, and when the engine is done their texts take the places.
import { FragmentError, show } from "../errors.js";
import type { MaybePromise } from "../store/store.js";
import type { FragmentBackend, FragmentLead } from "./backend.js";
import { current, enter } from "./current.js";
import { AsynchronousBlockError, isWithin, makeFragment } from "./fragment.js";
import type { Fragment, Tag } from "./fragment.js";
import { Ledger, type Expansion } from "./ledger.js";
import { Levels } from "./levels.js";

/** What a rendering needs to know of the cache it belongs to. */
export interface Household {
  readonly backend: FragmentBackend;
  /** Whether fragments of this name run where they stand, because something changes their text. */
  isExposed(name: string): boolean;
  /** Something has changed the text of these fragments; throws where that is not forgiven. */
  expose(names: readonly string[]): void;
  /** Fragments of this name cannot run where they stand. */
  shelter(name: string): void;
  /** Makes a stale fragment anew, after the rendering that served it. */
  renew(fragment: Fragment, lead: FragmentLead): void;
}

/** Where in a rendering a tag stands. */
export interface FragmentScope {
  readonly session: Session;
  /** The fragment whose block is running. */
  readonly fragment: Fragment | undefined;
  /** Blocks run where they stand, unless their text is known. */
  readonly inPlace: boolean;
}

/** A rendering: a page with its layout, or anything else that becomes one text. */
export class Session {
  readonly household: Household;
  /** Where in another rendering this one stands. */
  readonly outer: FragmentScope | undefined;
  /** Values that engines keep for the time of the rendering. */
  readonly memo: Map<unknown, unknown> = new Map();
  readonly #fragments = new Map<string, Fragment>();
  readonly #ledger: Ledger;
  readonly #levels: Levels;
  #over = false;

  constructor(household: Household) {
    this.household = household;
    this.outer = current() as FragmentScope | undefined;
    const outer = this.outer === undefined ? undefined : this.outer.session.#ledger;
    this.#ledger = new Ledger(outer, (fragment) => this.#levels.resolve(fragment));
    this.#levels = new Levels(household.backend, {
      runBlock: (fragment, inPlace) => this.#enter({ fragment, inPlace }, fragment.block),
      expand: (raw, owner) => this.#ledger.expand(raw, owner, owner.state === "repaired"),
      expose: (names) => household.expose(names),
    });
  }

  /** Whether the rendering has ended: tags that run in its name later are on their own. */
  get over(): boolean {
    return this.#over;
  }

  /** Whether placeholders were left. */
  get isUsed(): boolean {
    return this.#ledger.isUsed;
  }

  /** What a tag puts into its template: the text of the fragment if it is known, or a placeholder. */
  emit(tag: Tag, scope: FragmentScope): string {
    const { key, name, mode } = tag.request;
    const { fragment: around, inPlace } = scope;
    if (isWithin(around, key)) return tag.here();
    if (mode === "skip") return this.#skip(tag, scope);
    const known = this.#fragments.get(key);
    if (inPlace) return this.#known(known, around) ?? tag.here();
    if (known !== undefined) return this.#known(known, around) ?? this.#ledger.leave(known, around);
    if (mode === "delete" || !this.household.isExposed(name)) return this.place(tag, around);
    const fragment = makeFragment(tag, around);
    const text = this.#peek(fragment, tag);
    if (text === undefined) return this.#here(tag, around);
    this.#fragments.set(key, fragment);
    return text;
  }

  /** The same for a fragment that is met for the first time, where nothing changes its text. */
  place(tag: Tag, around: Fragment | undefined): string {
    const fragment = makeFragment(tag, around);
    this.#fragments.set(tag.request.key, fragment);
    return this.#peek(fragment, tag) ?? this.#defer(fragment, tag);
  }

  /** Indents the output of a template that stands indented in another one. */
  indent(text: string, indent: string, scope: FragmentScope): string {
    return this.#ledger.indent(text, indent, scope.fragment);
  }

  /** Renders, and puts the fragments in. */
  async render(run: () => MaybePromise<string>): Promise<string> {
    try {
      const page = checkText(await this.#enter({ fragment: undefined, inPlace: false }, run));
      await this.#levels.settle();
      const expansion = this.#ledger.expand(page, undefined);
      const text = expansion.kind === "text" ? expansion.text : await this.#again(run, expansion);
      await this.#levels.commit();
      return text;
    } finally {
      this.#end();
    }
  }

  #enter<T>(scope: Omit<FragmentScope, "session">, run: () => T): T {
    return enter({ session: this, ...scope } satisfies FragmentScope, run);
  }

  #known(fragment: Fragment | undefined, around: Fragment | undefined): string | undefined {
    if (fragment?.text === undefined || fragment.hasGuest) return undefined;
    if (around !== undefined) (around.inner ??= new Set()).add(fragment);
    return fragment.text;
  }

  /** The text of a fragment that is in memory. */
  #peek(fragment: Fragment, tag: Tag): string | undefined {
    const { request } = fragment;
    if (request.mode === "delete" || fragment.digest !== undefined) return undefined;
    const hit = this.household.backend.peek(request);
    if (hit === undefined) return undefined;
    fragment.claim = hit;
    fragment.text = hit.text;
    if (hit.renew !== undefined) fragment.block = tag.later();
    return this.#known(fragment, fragment.parent);
  }

  /** Runs a block that is not cached this time; later, if it cannot be waited for here. */
  #skip(tag: Tag, { fragment: around, inPlace }: FragmentScope): string {
    try {
      return tag.here();
    } catch (error) {
      if (inPlace || !isAsynchronous(error)) throw error;
      return this.#defer(makeFragment(tag, around), tag);
    }
  }

  /** Runs the block of a fragment whose text something changes. */
  #here(tag: Tag, around: Fragment | undefined): string {
    try {
      return this.#enter({ fragment: around, inPlace: true }, () => tag.here());
    } catch (error) {
      if (!isAsynchronous(error)) throw error;
      this.household.shelter(tag.request.name);
      return this.place(tag, around);
    }
  }

  #defer(fragment: Fragment, tag: Tag): string {
    if (tag.eager) {
      const text = this.#enter({ fragment, inPlace: false }, () => tag.here());
      fragment.block = () => text;
    } else {
      fragment.block = tag.later();
    }
    this.#levels.add(fragment);
    return this.#ledger.leave(fragment, fragment.parent);
  }

  /** Renders once more, with blocks in their places: a placeholder was lost, or keys are in a circle. */
  async #again(run: () => MaybePromise<string>, why: Expansion): Promise<string> {
    if (why.kind === "damaged") this.household.expose(why.names);
    const page = checkText(await this.#enter({ fragment: undefined, inPlace: true }, run));
    const expansion = this.#ledger.expand(page, undefined, true);
    if (expansion.kind === "text") return expansion.text;
    throw new FragmentError(
      "Fragments left their places even where their blocks ran in place: what renders keeps the " +
        "text of one rendering for another.",
    );
  }

  #end(): void {
    this.#over = true;
    this.#levels.release();
    this.#ledger.close();
    for (const fragment of this.#fragments.values()) {
      const renew = fragment.claim?.kind === "hit" ? fragment.claim.renew : undefined;
      if (renew !== undefined) this.household.renew(fragment, renew);
    }
  }
}

function isAsynchronous(error: unknown): boolean {
  if (error instanceof AsynchronousBlockError) return true;
  return error instanceof Error && error.cause instanceof AsynchronousBlockError;
}

function checkText(page: unknown): string {
  if (typeof page === "string") return page;
  throw new FragmentError(
    `What renders fragments must give text, or a promise of it; got ${show(page)}.`,
  );
}
