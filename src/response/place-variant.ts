// Gives a page its place among the variants of its URL.
import { claim, type Lead } from "../claims.js";
import { lastUse, makeEntry, type Entry } from "../entry.js";
import { randomMark } from "../key/hash.js";
import type { Question } from "../record.js";
import { heldValue, type Variant } from "./held-page.js";
import { indexIn, variantKey } from "./variants.js";
import { addVariant, type VariantIndex } from "./vary.js";
import type { Visit } from "./visit.js";

/** A new index of one variant. */
function newIndex({ names, text }: Variant, until: number): VariantIndex {
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

/** More writers of one index at one moment than this are left out of it. */
const MOST_TRIES = 5;

/**
 * Adds a variant to the index of its page; gives the key of the variant, unless the index is
 * another one by now: then the page was deleted, or varies on more.
 */
export async function placeVariant(
  visit: Visit,
  index: VariantIndex,
  variant: Variant,
  until: number,
): Promise<string | undefined> {
  const isKnown = variant.names.length === index.names.length && index.until >= until;
  if (isKnown && index.variants.includes(variant.text)) {
    return variantKey(visit, index, variant.text);
  }
  const lead = await leadIndex(visit, MOST_TRIES);
  const current = indexIn(lead?.spare);
  if (lead === undefined || current?.id !== index.id) {
    lead?.release();
    return undefined;
  }
  const { index: next, dropped } = grown(current, variant, until);
  await keepIndex(lead, next);
  await visit.plan.engine.lookup.store.remove(
    dropped.map((text) => variantKey(visit, current, text)),
  );
  return variantKey(visit, next, variant.text);
}

/** The index is changed by one at a time: whoever deletes it meanwhile is stronger. */
async function leadIndex(visit: Visit, tries: number): Promise<Lead | undefined> {
  const [found] = await claim(visit.plan.engine.lookup, [visit.question], () => false);
  if (found?.kind === "lead") return found;
  if (found?.kind !== "follow" || tries === 0) return undefined;
  await found.join();
  return leadIndex(visit, tries - 1);
}

async function keepIndex(lead: Lead, index: VariantIndex): Promise<void> {
  const life = { fresh: index.until - Date.now(), staleWhileRevalidate: 0, staleIfError: 0 };
  const held = heldValue(index, 2 * JSON.stringify(index).length);
  await lead.conclude({ held, tags: [], life }, (entry) => ({ entry, beside: [] }));
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
