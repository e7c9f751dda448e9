// Stores a page: for how long, with which tags, among which variants.
import type { Entry } from "../entry.js";
import type { Lead, Shaped } from "../claims.js";
import { lifetime } from "../duration.js";
import type { Life } from "../record.js";
import { freshFor, tagNames, type AnyFunction } from "../rules.js";
import type { LifetimeRules, Windows } from "./freshness.js";
import { HeldPage, resultOf, type Variant } from "./held-page.js";
import { markerKey } from "./page-tags.js";
import type { Page } from "./snapshot.js";
import { entryBeside, placeVariant, variantEntries } from "./place-variant.js";
import type { Selection } from "./variants.js";
import { unitedNames, variantText } from "./vary.js";
import type { Visit } from "./visit.js";

/** A page that is to be stored, with what was judged of it. */
export interface Keepable {
  readonly page: Page;
  readonly windows: Windows;
  /** What the response varies on by its own `Vary`. */
  readonly vary: readonly string[];
  /** The tags that the response names. */
  readonly tags: readonly string[];
}

/** The variant that a response turned out to be; `undefined` where its values are too long. */
export function variantOf(
  visit: Visit,
  { index }: Selection,
  vary: readonly string[],
): Variant | undefined {
  const names = unitedNames(visit.plan.policy.vary, index?.names ?? [], vary);
  const text = variantText(names, visit.request.fields);
  return text === undefined ? undefined : { names, text };
}

/** Stores a page and tells those who wait; gives whether it was stored. */
export async function keepPage(
  visit: Visit,
  selection: Selection,
  lead: Lead,
  kept: Keepable,
): Promise<boolean> {
  const variant = variantOf(visit, selection, kept.vary);
  if (variant === undefined) {
    lead.release();
    return false;
  }
  const life = lifeOf(kept);
  const making = { held: new HeldPage(kept.page, variant), tags: kept.tags, life };
  const place = await placeOf(visit, selection, variant, life);
  return lead.conclude(making, (entry) => {
    const placed = place(entry);
    if (placed === undefined) return undefined;
    return { ...placed, beside: [...placed.beside, ...markers(visit, placed.entry)] };
  });
}

/** Where the entry of a page goes: to its own key, or among the variants. */
async function placeOf(
  visit: Visit,
  { index }: Selection,
  variant: Variant,
  { fresh, staleIfError, staleWhileRevalidate }: Life,
): Promise<(entry: Entry) => Shaped | undefined> {
  if (index === undefined) return (entry) => variantEntries(visit, entry, variant);
  const until = Date.now() + fresh + Math.max(staleIfError, staleWhileRevalidate);
  const key = await placeVariant(visit, index, variant, until);
  return (entry) => (key === undefined ? undefined : { entry: { ...entry, key }, beside: [] });
}

/** What is left of the windows by now. */
function lifeOf({ page, windows }: Keepable): Life {
  const passed = Date.now() - page.receivedAt;
  const fresh = Math.max(0, windows.fresh - passed);
  const beyond = (until: number) =>
    windows.fresh === Infinity ? 0 : Math.max(0, until - passed - fresh);
  return {
    fresh,
    staleWhileRevalidate: beyond(windows.whileRevalidating),
    staleIfError: beyond(Math.max(windows.ifError, windows.revalidatable)),
  };
}

/** Entries under the names that the page goes by, which lead to it. */
function markers({ names, question }: Visit, entry: Entry): readonly Entry[] {
  return names.map((name) =>
    entryBeside(entry, { ...question, key: markerKey(name) }, { page: entry.key }),
  );
}

/** What the option callables say of a page. */
export interface Said {
  readonly isWanted: boolean;
  readonly timeout: number | undefined;
  readonly tags: readonly string[];
}

/** Asks the callables about a response. */
export async function askAbout({ plan, ctx }: Visit, page: Page): Promise<Said> {
  const { rules } = plan;
  const { shouldCache, tagsOf } = rules;
  const isAsked = shouldCache !== undefined || tagsOf !== undefined;
  const result = isAsked || typeof rules.timeout === "function" ? resultOf(page) : undefined;
  const call = { self: undefined, args: [ctx] };
  const ask = async (callable: AnyFunction) => (await callable(result, ctx)) as unknown;
  const isWanted = shouldCache === undefined || Boolean(await ask(shouldCache));
  const names = tagsOf === undefined ? [] : await ask(tagsOf);
  const hasTimeout = rules.timeout !== undefined || plan.hasDefault;
  return {
    isWanted,
    timeout: hasTimeout ? await freshFor(rules, result, call, plan.engine.lookup.life) : undefined,
    tags: [...new Set(tagNames(names ?? [], "The result of tags()"))],
  };
}

/** The lifetimes that the options give, with a timeout that may depend on the response. */
export function lifetimesOf({ plan }: Visit, timeout: number | undefined): LifetimeRules {
  const { staleWhileRevalidate, staleIfError } = plan.rules;
  const { heuristic } = plan.policy;
  return { timeout, heuristic, staleWhileRevalidate, staleIfError };
}

/** The timeout as far as it is known before the body is there. */
export function likelyTimeout({ plan }: Visit): number | undefined {
  const { timeout } = plan.rules;
  if (timeout === undefined && !plan.hasDefault) return undefined;
  const { life } = plan.engine.lookup;
  return timeout === undefined || typeof timeout === "function"
    ? life
    : lifetime(timeout, "timeout");
}
