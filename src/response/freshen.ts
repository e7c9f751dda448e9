// Makes a stored page fresh again by an answer without a body (RFC 9111, sections 4.3.4 and 4.3.5).
import { httpDate, type Fields, type RequestFacts, type ResponseFacts } from "./fields.js";
import { initialAge, type LifetimeRules } from "./freshness.js";
import { judgeResponse, type Policy, type Storable } from "./policy.js";
import type { Changes, Page, StoredField } from "./snapshot.js";
import type { NotStored } from "./storability.js";
import { mergeFields } from "./validation.js";

/** An answer without a body, and when it was asked for and there. */
export interface Newer {
  readonly changes: Pick<Changes, "set" | "added">;
  readonly requestedAt: number;
  readonly receivedAt: number;
}

/** A page with the fields of a newer answer, and whether it may still be stored. */
export interface Freshened {
  readonly page: Page;
  readonly judged: Storable | NotStored;
}

/** By what a freshened page is judged. */
export interface Judging {
  readonly request: RequestFacts;
  readonly policy: Policy;
  readonly lifetimes: LifetimeRules;
}

/** Merges the fields of a newer answer into a page. */
export function freshened(page: Page, newer: Newer, judging: Judging): Freshened {
  const { requestedAt, receivedAt } = newer;
  const { request, policy, lifetimes } = judging;
  const judge = (fields: Fields): Storable | NotStored => {
    const response: ResponseFacts = { status: page.status, fields, requestedAt, receivedAt };
    return judgeResponse(request, response, policy, lifetimes);
  };
  // The fields that are not stored are known only when all are there.
  const judged = judge(allOf(merged(page, newer, new Set())));
  const unstored = typeof judged === "string" ? new Set<string>() : judged.unstored;
  const { fields, added } = merged(page, newer, unstored);
  const all = allOf(merged(page, newer, new Set()));
  const response = { status: page.status, fields: all, requestedAt, receivedAt };
  const renewed = { ...page, fields, added, receivedAt, initialAge: initialAge(response) };
  if (typeof judged === "string") return { page: { ...renewed, fresh: 0, ifError: 0 }, judged };
  const { windows, authorized, mayBeStale } = judged;
  const { fresh, ifError } = windows;
  return { page: { ...renewed, fresh, ifError, authorized, mayBeStale }, judged };
}

type Parts = Pick<Page, "fields" | "added">;

function merged(
  { fields, added }: Page,
  { changes, receivedAt }: Newer,
  unstored: ReadonlySet<string>,
): Parts {
  const names = new Set([...changes.set, ...changes.added].map(([name]) => name));
  const kept = (list: readonly StoredField[]) =>
    Object.fromEntries(list.filter(([name]) => !names.has(name)));
  // What is validated now was made now, unless the answer says otherwise.
  const dated = { date: httpDate(receivedAt), ...Object.fromEntries(changes.set) };
  return {
    fields: listed(mergeFields(kept(fields), dated, unstored), fields),
    added: listed(mergeFields(kept(added), Object.fromEntries(changes.added), unstored), added),
  };
}

/** Fields as they are stored; those that describe the body are never replaced, only kept. */
function listed(merging: Fields, before: readonly StoredField[]): readonly StoredField[] {
  const body = before.filter(
    ([name]) => !Object.hasOwn(merging, name) && name.startsWith("content-"),
  );
  return [...(Object.entries(merging) as unknown as readonly StoredField[]), ...body];
}

function allOf({ fields, added }: Parts): Fields {
  return Object.fromEntries([...added, ...fields]);
}
