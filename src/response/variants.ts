// Finds a page in two steps: what is known of its variants, then the one a request selects.
import { claim, type Accepts, type Claim, type Hit } from "../claims.js";
import { makeEntry, lastUse, type Entry } from "../entry.js";
import { marksByTag, verdictOn } from "../judgement.js";
import { randomMark } from "../key/hash.js";
import type { Lookup } from "../lookup.js";
import type { Question } from "../record.js";
import type { Forward } from "./cache-status.js";
import { heldValue, type Variant } from "./held-page.js";
import { isPage, type Page } from "./snapshot.js";
import { addVariant, isVariantIndex, unitedNames, variantText, type VariantIndex } from "./vary.js";
import type { Visit } from "./visit.js";

/** Which variant of a page a request selects, as far as is known before the handlers run. */
export interface Selection {
  readonly question: Question;
  /** What is known of the variants; absent for a page that has none yet. */
  readonly index: VariantIndex | undefined;
  readonly variant: Variant;
}

/** Decides about one stored page. */
export type AcceptsPage = (
  page: Page,
  entry: Entry,
  verdict: Parameters<Accepts>[1],
) => boolean | Promise<boolean>;

/** The answer to a request, and where it came from. */
export interface Selected extends Selection {
  readonly claim: Claim;
  /** The entry of the index. */
  readonly first?: Entry;
}

/** Claims the page that a request selects; `undefined` where it selects by too much. */
export async function select(
  visit: Visit,
  lookup: Lookup,
  accepts: AcceptsPage,
): Promise<Selected | undefined> {
  const first = firstSelection(visit);
  if (first === undefined) return undefined;
  const [found] = await claim(lookup, [visit.question], (entry, verdict) =>
    acceptFirst(visit, entry, (page) => accepts(page, entry, verdict)),
  );
  const index = found!.kind === "hit" ? indexIn(found!.entry) : undefined;
  if (index === undefined) return { ...first, claim: found! };
  const selection = selectionIn(visit, index);
  if (selection === undefined) return undefined;
  const [variant] = await claim(lookup, [selection.question], (entry, verdict) => {
    const page: unknown = entry.held.give();
    return isPage(page) && accepts(page, entry, verdict);
  });
  return { ...selection, claim: variant!, first: (found as Hit).entry };
}

/** What stands under the key of the page itself is a page only while nothing varies. */
function acceptFirst(
  { plan }: Visit,
  entry: Entry,
  accepts: (page: Page) => boolean | Promise<boolean>,
): boolean | Promise<boolean> {
  const value: unknown = entry.held.give();
  if (isVariantIndex(value)) return true;
  return plan.policy.vary.length === 0 && isPage(value) && accepts(value);
}

function firstSelection({ plan, request, question }: Visit): Selection | undefined {
  const names = unitedNames(plan.policy.vary);
  const text = variantText(names, request.fields);
  return text === undefined ? undefined : { question, index: undefined, variant: { names, text } };
}

function selectionIn(visit: Visit, index: VariantIndex): Selection | undefined {
  const names = unitedNames(visit.plan.policy.vary, index.names);
  const text = variantText(names, visit.request.fields);
  if (text === undefined) return undefined;
  const question = { ...visit.question, key: variantKey(visit, index, text) };
  return { question, index, variant: { names, text } };
}

function variantKey({ question }: Visit, { id }: VariantIndex, text: string): string {
  return `${question.key}${id}${text}`;
}

function indexIn(entry: Entry | undefined): VariantIndex | undefined {
  const value: unknown = entry?.held.give();
  return isVariantIndex(value) ? value : undefined;
}

/** A stored page, found without claiming it. */
export interface Seen extends Selection {
  readonly entry: Entry;
  readonly page: Page;
  readonly verdict: Parameters<Accepts>[1];
}

/** Looks for the page that a request selects; nobody waits for who looks. */
export async function look(visit: Visit, lookup: Lookup): Promise<Seen | undefined> {
  const first = firstSelection(visit);
  const found = first === undefined ? undefined : await lookFor(lookup, first);
  if (found === undefined) return undefined;
  const index = indexIn(found.entry);
  if (index === undefined) return visit.plan.policy.vary.length === 0 ? seen(found) : undefined;
  const selection = selectionIn(visit, index);
  const variant = selection === undefined ? undefined : await lookFor(lookup, selection);
  return variant === undefined ? undefined : seen(variant);
}

type Looked = Omit<Seen, "page">;

async function lookFor(lookup: Lookup, selection: Selection): Promise<Looked | undefined> {
  const { question } = selection;
  const { entries, versions } = await lookup.store.read([question.key], question.tags);
  const [entry] = entries;
  if (entry === undefined) return undefined;
  const marks = marksByTag(question, versions);
  await lookup.learn(marks, [entry]);
  const verdict = verdictOn(question, entry, marks);
  return verdict === "dead" ? undefined : { ...selection, entry, verdict };
}

function seen(looked: Looked): Seen | undefined {
  const page: unknown = looked.entry.held.give();
  return isPage(page) ? { ...looked, page } : undefined;
}

/** Why a request goes on to the handlers. */
export function forwardOf({ claim: { kind }, index }: Selected, spare: Page | undefined): Forward {
  if (kind === "lead" && spare !== undefined) return "stale";
  return index === undefined ? "uri-miss" : "vary-miss";
}

/** A new index of one variant. */
export function newIndex({ names, text }: Variant, until: number): VariantIndex {
  return { id: randomMark(), names, variants: [text], until };
}

/** An entry that belongs to that of a page: it dies with the tags that the page has by itself. */
export function entryBeside(entry: Entry, question: Question, value: object): Entry {
  const until = lastUse(entry);
  const { storedAt, cost, owner, check } = entry;
  return makeEntry({
    key: question.key,
    held: heldValue(value, 2 * JSON.stringify(value).length),
    storedAt,
    freshUntil: until,
    staleUntil: until,
    errorUntil: until,
    cost,
    carried: entry.carried.filter(({ tag }) => question.tags.includes(tag)),
    owner,
    check,
  });
}

/** A page with its place among the variants: its own entry, and the index where it is new. */
export function variantEntries(
  visit: Visit,
  entry: Entry,
  variant: Variant,
): { readonly entry: Entry; readonly beside: readonly Entry[] } {
  if (variant.names.length === 0) return { entry, beside: [] };
  const index = newIndex(variant, lastUse(entry));
  const key = variantKey(visit, index, variant.text);
  return { entry: { ...entry, key }, beside: [entryBeside(entry, visit.question, index)] };
}

// More writers of one index at one moment than this are left out of it.
const MOST_TRIES = 5;

/**
 * Adds a variant to the index of its page; gives the key of the variant, unless the index is
 * another one by now: then the page was deleted, or varies on more.
 */
export async function placeVariant(
  visit: Visit,
  { index }: { readonly index: VariantIndex },
  variant: Variant,
  until: number,
): Promise<string | undefined> {
  const isKnown = variant.names.length === index.names.length && index.until >= until;
  if (isKnown && index.variants.includes(variant.text)) {
    return variantKey(visit, index, variant.text);
  }
  const { lookup } = visit.plan.engine;
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other: each changes what it read
    const [found] = await claim(lookup, [visit.question], () => false);
    if (found?.kind === "lead") {
      const current = indexIn(found.spare);
      if (current?.id !== index.id) return found.release(), undefined;
      const { index: next, dropped } = grown(current, variant, until);
      const held = heldValue(next, 2 * JSON.stringify(next).length);
      const life = { fresh: next.until - Date.now(), staleWhileRevalidate: 0, staleIfError: 0 };
      // oxlint-disable-next-line no-await-in-loop -- the last round
      await found.conclude({ held, tags: [], life }, (entry) => ({ entry, beside: [] }));
      void lookup.store.remove(dropped.map((text) => variantKey(visit, current, text)));
      return variantKey(visit, next, variant.text);
    }
    // oxlint-disable-next-line no-await-in-loop -- its turn comes when the other is done
    if (found?.kind === "follow") await found.join();
  }
  return undefined;
}

function grown(
  index: VariantIndex,
  variant: Variant,
  until: number,
): { readonly index: VariantIndex; readonly dropped: readonly string[] } {
  const later = Math.max(index.until, until);
  if (variant.names.length !== index.names.length) {
    return { index: newIndex(variant, later), dropped: index.variants };
  }
  return addVariant({ ...index, until: later }, variant.text);
}
