// The arguments of a fragment, checked and settled into a request.
import { lifetime, milliseconds, type Duration } from "../duration.js";
import { OptionError, show } from "../errors.js";
import type { FragmentRequest } from "./backend.js";
import { fragmentName, makeTemplateFragmentKey, unboxed, type VaryValue } from "./key.js";

/**
 * How long a fragment is fresh: a duration; `null` or `undefined` for the cache's default; `0` for
 * ever; `false` not to cache it this time; `"del"` to delete it and store nothing.
 */
export type FragmentTimeout = Duration | null | undefined | false | "del";

/** How a fragment is cached. */
export interface FragmentOptions extends StaleOptions {
  /** @default the cache's `timeout` */
  readonly timeout?: FragmentTimeout;
  /** Values that the text depends on: each list of them is a fragment of its own. */
  readonly varyOn?: readonly VaryValue[] | undefined;
  /** Names that outdate the text by `invalidateTags()`. */
  readonly tags?: string | readonly string[] | undefined;
}

/** How long fragments are still served past their timeout. */
export interface StaleOptions {
  /** While it is made anew in the background. From RFC 5861. @default 0 */
  readonly staleWhileRevalidate?: Duration | undefined;
  /** When making it anew fails. From RFC 5861. @default 0 */
  readonly staleIfError?: Duration | undefined;
}

/** What a tag was given, in whatever form its engine gives it. */
export interface FragmentArguments {
  readonly name: unknown;
  readonly timeout: unknown;
  readonly varyOn: readonly unknown[];
  readonly tags: unknown;
  /** What the template was made from. */
  readonly digest?: string | undefined;
}

/** Settled stale options, in milliseconds. */
export type Stale = Pick<FragmentRequest, "staleWhileRevalidate" | "staleIfError">;

const NO_TAGS: readonly string[] = [];

/**
 * The request that arguments make.
 *
 * @throws {OptionError | ArgumentKeyError} naming the argument that is wrong
 */
export function settleFragment(given: FragmentArguments, stale: Stale): FragmentRequest {
  const name = fragmentName(given.name);
  const key = makeTemplateFragmentKey(name, given.varyOn as readonly VaryValue[]);
  const timeout = unboxed(given.timeout);
  const tags = tagNames(given.tags, name);
  const mode = timeout === "del" ? "delete" : timeout === false ? "skip" : "use";
  return {
    name,
    key,
    timeout: mode === "use" ? freshFor(timeout, name) : undefined,
    tags,
    digest: given.digest,
    mode,
    staleWhileRevalidate: stale.staleWhileRevalidate,
    staleIfError: stale.staleIfError,
  };
}

/** Checks and settles stale options. */
export function settleStale({ staleWhileRevalidate, staleIfError }: StaleOptions): Stale {
  return {
    staleWhileRevalidate: milliseconds(staleWhileRevalidate ?? 0, "staleWhileRevalidate"),
    staleIfError: milliseconds(staleIfError ?? 0, "staleIfError"),
  };
}

/** Timeouts in milliseconds: templates write few, and ask again and again. */
const settled = new Map<unknown, number>();
const MOST_SETTLED = 1000;

function freshFor(timeout: unknown, name: string): number | undefined {
  if (timeout === undefined || timeout === null) return undefined;
  const known = settled.get(timeout);
  if (known !== undefined) return known;
  const fresh = lifetime(timeout, `The timeout of the fragment ${show(name)}`);
  if (settled.size < MOST_SETTLED) settled.set(timeout, fresh);
  return fresh;
}

function tagNames(given: unknown, name: string): readonly string[] {
  if (given === undefined || given === null) return NO_TAGS;
  const names = (Array.isArray(given) ? given : [given]).map(unboxed);
  if (names.some((tag) => typeof tag !== "string" || tag === "")) {
    throw new OptionError(
      `The tags of the fragment ${show(name)} must be names (non-empty texts) in a list; ` +
        `got ${Array.isArray(given) ? `a list with ${show(names.find(isNoTag))}` : show(given)}.`,
    );
  }
  return names as string[];
}

function isNoTag(tag: unknown): boolean {
  return typeof tag !== "string" || tag === "";
}
