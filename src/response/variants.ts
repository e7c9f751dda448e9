// Finds a page in two steps: what is known of its variants, then the one a request selects.
import { claim, type Accepts, type Claim, type Hit } from "../claims.js";
import type { Entry } from "../entry.js";
import { marksByTag, verdictOn } from "../judgement.js";
import type { Lookup } from "../lookup.js";
import type { Question } from "../record.js";
import type { Forward } from "./cache-status.js";
import type { Variant } from "./held-page.js";
import { isPage } from "./checked-page.js";
import type { Page } from "./snapshot.js";
import { isVariantIndex, unitedNames, variantText, type VariantIndex } from "./vary.js";
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
  readonly first: Entry | undefined;
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
  if (index === undefined) return selectedBy(first, found!, undefined);
  const selection = selectionIn(visit, index);
  if (selection === undefined) return undefined;
  const [variant] = await claim(lookup, [selection.question], (entry, verdict) => {
    const page: unknown = entry.held.give();
    return isPage(page) && accepts(page, entry, verdict);
  });
  return selectedBy(selection, variant!, (found as Hit).entry);
}

function selectedBy(
  { question, index, variant }: Selection,
  found: Claim,
  first: Entry | undefined,
): Selected {
  return { question, index, variant, claim: found, first };
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

/** The key of a variant: out of reach when the index is gone. */
export function variantKey({ question }: Visit, { id }: VariantIndex, text: string): string {
  return `${question.key}${id}${text}`;
}

/** What an entry knows of variants, if it does. */
export function indexIn(entry: Entry | undefined): VariantIndex | undefined {
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
