// Takes a response from a Koa context: what was set beneath, and nothing of what was set outside.
import type { Context } from "koa";
import { sha256 } from "../key/hash.js";
import { asBuffer, bodyKind, bytesOf, isFlowing, type BodyKind } from "./body.js";
import { httpDate, type Fields, type FieldValue, type ResponseFacts } from "./fields.js";
import { initialAge } from "./freshness.js";
import { lengthAgrees, type Storable } from "./policy.js";
import type { NotStored } from "./storability.js";

/** A field of a stored response. */
export type StoredField = readonly [name: string, value: string | readonly string[]];

/** A response in the store: plain data. */
export interface Page {
  readonly status: number;
  readonly message: string;
  /** The fields that were set beneath. */
  readonly fields: readonly StoredField[];
  /** What was added beneath to fields that were there already: `Vary`, `Link`. */
  readonly added: readonly StoredField[];
  /** The fields that were there and were removed beneath. */
  readonly removed: readonly string[];
  readonly kind: BodyKind;
  readonly body: Uint8Array;
  /** The entity tag made here, for a response that has none; no handler knows it. */
  readonly etag: string | undefined;
  /** When the response was there, in milliseconds since 1970. */
  readonly receivedAt: number;
  /** How old it was then, in milliseconds. */
  readonly initialAge: number;
  /** How long it was fresh from then on, in milliseconds. */
  readonly fresh: number;
  /** How long it may be served from then on when asking for a newer one fails, in milliseconds. */
  readonly ifError: number;
  /** Whether it may answer a request with `Authorization`. */
  readonly authorized: boolean;
  /** Whether it may be served stale at all. */
  readonly mayBeStale: boolean;
  /** Whether it was made of all of `ctx.state` while no user was in it: it is for nobody else. */
  readonly userless: boolean;
}

/** What the handlers changed in the fields of a response. */
export interface Changes {
  readonly set: readonly StoredField[];
  readonly added: readonly StoredField[];
  readonly removed: readonly string[];
}

/** A response as the handlers left it; its body may still flow. */
export interface Head {
  readonly status: number;
  readonly message: string;
  readonly changes: Changes;
  readonly kind: BodyKind;
  /** Every field, but of `Set-Cookie` only what was set beneath. */
  readonly fields: Fields;
}

/** The fields that are set already, to tell later what was set beneath. */
export function fieldsOf(ctx: Context): Fields {
  // A list that is appended to in place would otherwise change here too.
  const copied = Object.entries(ctx.res.getHeaders()).map(
    ([name, value]) => [name, Array.isArray(value) ? [...value] : value] as const,
  );
  return Object.fromEntries(copied);
}

/** Takes what is known of a response when its handlers are done. */
export function takeHead(ctx: Context, before: Fields): Head {
  const after = fieldsOf(ctx);
  const changes = changesOf(before, after);
  const cookies = [...changes.set, ...changes.added].find(([name]) => name === "set-cookie");
  const { "set-cookie": _all, ...others } = after;
  return {
    status: ctx.status,
    message: messageOf(ctx),
    changes,
    kind: bodyKind(ctx.body),
    fields: cookies === undefined ? others : { ...others, "set-cookie": cookies[1] },
  };
}

/** The reason of a status, which HTTP/2 does not have. */
export function messageOf(ctx: Context): string {
  return ctx.req.httpVersionMajor < 2 ? ctx.message : "";
}

/** Tells what was set, added to and removed between two states of the fields. */
export function changesOf(before: Fields, after: Fields): Changes {
  const set: StoredField[] = [];
  const added: StoredField[] = [];
  for (const [name, value] of Object.entries(after)) {
    const rest = additionTo(before[name], value);
    if (rest !== undefined) added.push([name, rest]);
    else if (!isEqual(before[name], value)) set.push([name, stored(value)]);
  }
  // It is never replaced: what was set outside depends on what it names there.
  const vary = set.findIndex(([name]) => name === "vary");
  if (vary !== -1) added.push(...set.splice(vary, 1));
  const removed = Object.keys(before).filter((name) => after[name] === undefined);
  return { set, added, removed };
}

/** What was appended to a field; `undefined` when the field is new, unchanged or replaced. */
function additionTo(before: FieldValue, after: FieldValue): string | readonly string[] | undefined {
  if (before === undefined || isEqual(before, after)) return undefined;
  if (typeof before === "string" && typeof after === "string") {
    const appended = before !== "" && after.startsWith(`${before},`);
    return appended ? after.slice(before.length + 1).trim() : undefined;
  }
  if (!Array.isArray(after)) return undefined;
  const known = Array.isArray(before) ? before : [String(before)];
  const same = known.every((line, index) => line === after[index]);
  return same ? after.slice(known.length) : undefined;
}

function isEqual(one: FieldValue, other: FieldValue): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function stored(value: FieldValue): string | readonly string[] {
  return Array.isArray(value) ? value : String(value);
}

/** The bytes of a body that does not flow; `body` when Koa could not send it either. */
export function settledBytes(head: Head, body: unknown, maxBytes: number): Buffer | NotStored {
  const bytes = bytesOf(head.kind, body);
  if (bytes === undefined) return "body";
  return bytes.length > maxBytes ? "too-large" : bytes;
}

/** A response complete with its body. */
export interface Whole {
  readonly head: Head;
  readonly bytes: Uint8Array;
  readonly response: ResponseFacts;
  readonly userless: boolean;
}

/** Makes the page that is stored; a body of another length than was promised makes none. */
export function makePage(whole: Whole, judged: Storable): Page | NotStored {
  const { head, bytes, response, userless } = whole;
  if (!lengthAgrees(head.fields, bytes.length)) return "content-length";
  const keep = (fields: readonly StoredField[]) =>
    fields.filter(([name]) => !judged.unstored.has(name));
  return {
    status: head.status,
    message: head.message,
    fields: dated(keep(head.changes.set), response),
    added: keep(head.changes.added),
    removed: head.changes.removed,
    kind: head.kind,
    body: bytes,
    etag: madeTag(head, bytes),
    receivedAt: response.receivedAt,
    initialAge: initialAge(response),
    fresh: judged.windows.fresh,
    ifError: judged.windows.ifError,
    authorized: judged.authorized,
    mayBeStale: judged.mayBeStale,
    userless,
  };
}

/** RFC 9110, section 6.6.1: who stores a response without `Date` adds it. */
function dated(fields: readonly StoredField[], response: ResponseFacts): readonly StoredField[] {
  if (response.fields["date"] !== undefined) return fields;
  return [...fields, ["date", httpDate(response.receivedAt)]];
}

/**
 * An entity tag for a response that has none. It is weak, because a middleware outside, which
 * compresses for instance, may send other bytes of the same meaning.
 */
function madeTag({ status, fields, kind }: Head, bytes: Uint8Array): string | undefined {
  if (status !== 200 || fields["etag"] !== undefined) return undefined;
  // Whoever gets a stream of known length first has its whole head before its tag is known.
  if (isFlowing(kind) && fields["content-length"] !== undefined) return undefined;
  return `W/"${sha256(bytes).slice(0, 27)}"`;
}

/** The fields of a stored response, its own entity tag included, by lower-case name. */
export function pageFields(page: Page): Fields {
  const all = Object.fromEntries([...page.added, ...page.fields]);
  return page.etag === undefined ? all : { ...all, etag: page.etag };
}

/** How many bytes a page takes in memory, roughly. */
export function pageBytes(page: Page): number {
  const lines = [...page.fields, ...page.added].flat(2);
  return asBuffer(page.body).length + lines.reduce((sum, line) => sum + line.length, 200);
}
