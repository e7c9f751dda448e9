// The fragments of one cache: what wraps renderings, and where tags find the one they stand in.
import { FragmentError, OptionError, show } from "../errors.js";
import { checkOptions } from "../options.js";
import type { MaybePromise } from "../store/store.js";
import { settleFragment, settleStale, type FragmentOptions } from "./arguments.js";
import type { FragmentBackend, FragmentLead } from "./backend.js";
import { current } from "./current.js";
import type { Fragment, Tag } from "./fragment.js";
import { Session, type FragmentScope, type Household } from "./session.js";

const MOST_EXPOSED = 1000;
const OPTIONS = ["timeout", "varyOn", "tags", "staleWhileRevalidate", "staleIfError"];

/** Where a cache keeps its fragments, for the tags of template engines. */
export const FRAGMENTS: unique symbol = Symbol("koa-caching fragments");

/** A cache, as far as template engines go. */
export interface FragmentCache {
  readonly [FRAGMENTS]: Fragments;
}

/** How the fragments of a cache behave. */
export interface FragmentsSettings {
  /** A changed placeholder is an error, not a reason to render again. */
  readonly strict: boolean;
  /** Tells of a fragment that cannot be cached where it stands. */
  readonly warn: (message: string) => void;
}

/** All that a cache knows of fragments. */
export class Fragments implements Household {
  readonly backend: FragmentBackend;
  readonly #settings: FragmentsSettings;
  readonly #exposed = new Set<string>();
  readonly #sheltered = new Set<string>();

  constructor(backend: FragmentBackend, settings: FragmentsSettings) {
    this.backend = backend;
    this.#settings = settings;
  }

  /** Renders, with all fragments met on the way read in one read a nesting level. */
  render(run: () => MaybePromise<string>): Promise<string> {
    if (typeof run !== "function") {
      return Promise.reject(
        new OptionError(`withFragments() takes a function that renders; got ${show(run)}.`),
      );
    }
    return new Session(this).render(run);
  }

  /** One fragment by itself, for any engine. */
  async fragment(
    name: string,
    options: FragmentOptions,
    render: () => MaybePromise<string>,
  ): Promise<string> {
    checkOptions(options, OPTIONS, `the fragment ${show(name)}`);
    const { timeout, varyOn = [], tags } = options;
    const request = settleFragment({ name, timeout, varyOn, tags }, settleStale(options));
    const block = async (): Promise<string> => checkText(await render(), name);
    if (request.mode === "skip") return this.render(block);
    const tag = { request, digest: undefined, here: unreachable, later: () => block, eager: false };
    const session = new Session(this);
    return session.render(() => session.place(tag, undefined));
  }

  /** Where in a rendering of this cache the code stands that is running. */
  scope(): FragmentScope | undefined {
    let scope = current() as FragmentScope | undefined;
    while (scope !== undefined && scope.session.household !== this) scope = scope.session.outer;
    return scope;
  }

  /** What a tag puts into its template. Outside of a rendering it is as if there were no tag. */
  emit(tag: Tag, scope: FragmentScope | undefined): string {
    return scope === undefined || scope.session.over ? tag.here() : scope.session.emit(tag, scope);
  }

  /** Tells of something that keeps fragments from being cached as they should be. */
  warn(message: string): void {
    this.#settings.warn(message);
  }

  isExposed(name: string): boolean {
    return this.#exposed.size > 0 && this.#exposed.has(name) && !this.#sheltered.has(name);
  }

  shelter(name: string): void {
    if (this.#sheltered.size < MOST_EXPOSED) this.#sheltered.add(name);
  }

  expose(names: readonly string[]): void {
    if (this.#settings.strict) throw new FragmentError(exposedMessage(names));
    const fresh = names.filter((name) => !this.#exposed.has(name));
    if (fresh.length === 0 || this.#exposed.size + fresh.length > MOST_EXPOSED) return;
    for (const name of fresh) this.#exposed.add(name);
    this.#settings.warn(exposedMessage(fresh));
  }

  renew({ block }: Fragment, lead: FragmentLead): void {
    this.backend.renew(lead, () => this.render(block));
  }
}

function exposedMessage(names: readonly string[]): string {
  const which = names.length === 0 ? "A fragment" : `The fragment ${names.map(show).join(", ")}`;
  return (
    `${which} stands in something that changes the text of its block (a helper or filter that ` +
    `escapes, cuts, replaces …). It runs uncached there. Put the fragment around that, not into it.`
  );
}

function checkText(text: unknown, name: string): string {
  if (typeof text === "string") return text;
  throw new FragmentError(
    `The fragment ${show(name)} must be rendered to text; got ${show(text)}.`,
  );
}

/** The place of a fragment that is a rendering by itself is changed by nothing. */
function unreachable(): never {
  throw new FragmentError("A fragment was rendered where it cannot be.");
}
