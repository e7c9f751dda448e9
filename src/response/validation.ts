// Validation in both directions (RFC 9111, section 4.3): answering 304, asking for 304, merging it.
import {
  entityTag,
  entityTags,
  fieldText,
  parseHttpDate,
  weaklyEqual,
  type Fields,
} from "./fields.js";

/** A stored response as far as validation is concerned. */
export interface Validated {
  readonly status: number;
  readonly fields: Fields;
  /** When it was there, in milliseconds since 1970. */
  readonly receivedAt: number;
}

/** The fields that ask a handler whether a stored response still holds. */
export interface Conditions {
  "if-none-match"?: string;
  "if-modified-since"?: string;
}

/** The fields of a request that make it conditional or ask for a part. */
export const CONDITIONAL_FIELDS: readonly string[] = [
  "if-none-match",
  "if-modified-since",
  "if-match",
  "if-unmodified-since",
  "if-range",
  "range",
];

/**
 * Whether a client already has this response, so that 304 answers it. `If-None-Match` goes before
 * `If-Modified-Since` (RFC 9110, section 13.2.2); what is malformed is no condition.
 */
export function isUnmodified(request: Fields, stored: Validated): boolean {
  if (stored.status < 200 || stored.status > 299) return false;
  const noneMatch = fieldText(request, "if-none-match");
  if (noneMatch !== undefined) return matchesTag(noneMatch, fieldText(stored.fields, "etag"));
  const since = parseHttpDate(fieldText(request, "if-modified-since"));
  return since !== undefined && lastChange(stored) <= since;
}

function matchesTag(condition: string, etag: string | undefined): boolean {
  if (condition.trim() === "*") return true;
  const known = entityTag(etag);
  if (known === undefined) return false;
  return entityTags(condition)?.some((tag) => weaklyEqual(tag, known)) ?? false;
}

/** RFC 9111, section 4.3.2: `Last-Modified`, else `Date`, else when it was there. */
function lastChange({ fields, receivedAt }: Validated): number {
  const modified = parseHttpDate(fieldText(fields, "last-modified"));
  return modified ?? parseHttpDate(fieldText(fields, "date")) ?? receivedAt;
}

/** What asks a handler whether a stored response still holds; nothing if it has no validator. */
export function conditionsFor(stored: Fields): Conditions | undefined {
  const etag = entityTag(fieldText(stored, "etag"));
  const modified = fieldText(stored, "last-modified");
  const dated = parseHttpDate(modified) !== undefined;
  if (etag === undefined && !dated) return undefined;
  return {
    ...(etag === undefined ? {} : { "if-none-match": etag }),
    ...(dated ? { "if-modified-since": modified! } : {}),
  };
}

/**
 * Whether a 304 speaks of the stored response (RFC 9111, section 4.3.4): its validators are those
 * that were stored, the strong ones exactly.
 */
export function freshens(notModified: Fields, stored: Fields): boolean {
  const named = fieldText(notModified, "etag");
  if (named !== undefined) return isSameTag(named, fieldText(stored, "etag"));
  const modified = fieldText(notModified, "last-modified");
  return modified === undefined || modified === fieldText(stored, "last-modified");
}

function isSameTag(named: string, kept: string | undefined): boolean {
  if (kept === undefined) return false;
  return named.startsWith("W/") ? weaklyEqual(named, kept) : named === kept;
}

/**
 * What a successful answer to HEAD does to a stored GET (RFC 9111, section 4.3.5): with the same
 * validators it freshens, with another validator or length it outdates, without any it says nothing.
 */
export function effectOfHead(head: Fields, stored: Fields): "freshens" | "outdates" | "nothing" {
  const received = ["etag", "last-modified"].filter((name) => head[name] !== undefined);
  const differs = (name: string) => fieldText(head, name) !== fieldText(stored, name);
  const lengths = [head["content-length"], stored["content-length"]];
  if (received.some(differs)) return "outdates";
  if (!lengths.includes(undefined) && differs("content-length")) return "outdates";
  return received.length > 0 ? "freshens" : "nothing";
}

/** What describes the stored body stays as it was stored (RFC 9111, section 3.2). */
const OF_THE_BODY: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
]);

/**
 * The fields of a stored response after a newer answer without a body: each field of the answer
 * replaces the stored one, but what is not stored anyway and what describes the stored body.
 */
export function mergeFields(stored: Fields, newer: Fields, unstored: ReadonlySet<string>): Fields {
  const kept = Object.entries(stored).filter(([name]) => !unstored.has(name));
  const replaced = Object.entries(newer).filter(
    ([name, value]) => value !== undefined && !unstored.has(name) && !OF_THE_BODY.has(name),
  );
  return Object.fromEntries([...kept, ...replaced]);
}

/** Whether a stored field goes with a 304 to a client (RFC 9110, section 15.4.5). */
export function goesWithNotModified(name: string, hasTag: boolean): boolean {
  if (name === "last-modified") return !hasTag;
  return !OF_THE_BODY.has(name) && name !== "content-language";
}
