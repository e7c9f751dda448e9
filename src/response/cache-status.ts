// Writes the member of `Cache-Status` that tells what this cache did (RFC 9211).
import { isToken } from "./fields.js";
import { serializeItem, Token, type BareItem } from "structured-headers";

/** Why a request went on to the handlers (RFC 9211, section 2.2). */
export type Forward =
  | "bypass"
  | "method"
  | "uri-miss"
  | "vary-miss"
  | "miss"
  | "request"
  | "stale"
  | "partial";

/** What the cache did with a request that it did not answer from what was stored. */
export interface CacheStatus {
  readonly fwd?: Forward;
  /** The status of the handlers' answer, where it is not that of the response. */
  readonly fwdStatus?: number;
  readonly stored?: boolean;
  /** Whether the answer came from a request that was under way. */
  readonly collapsed?: boolean;
  /** How long the response is still fresh, in milliseconds; negative when it is stale. */
  readonly ttl?: number;
  /** One more word: why it was not stored, what it read. */
  readonly detail?: string;
}

const NAME = new Token("koa-caching");
const MOST_SECONDS = 999_999_999_999_999;

/** The member that describes an answer from what was stored; `ttl` as above. */
export function hitMember(ttl: number): string {
  const member = `${NAME.toString()};hit`;
  return ttl === Infinity ? member : `${member};ttl=${wholeSeconds(ttl)}`;
}

/** The member that describes another answer. */
export function cacheStatusMember(status: CacheStatus): string {
  const parameters = new Map<string, BareItem>();
  if (status.fwd !== undefined) parameters.set("fwd", new Token(status.fwd));
  if (status.fwdStatus !== undefined) parameters.set("fwd-status", status.fwdStatus);
  if (status.ttl !== undefined && status.ttl !== Infinity) {
    parameters.set("ttl", wholeSeconds(status.ttl));
  }
  if (status.stored === true) parameters.set("stored", true);
  if (status.collapsed === true) parameters.set("collapsed", true);
  if (status.detail !== undefined) parameters.set("detail", detailItem(status.detail));
  return serializeItem(NAME, parameters);
}

function wholeSeconds(milliseconds: number): number {
  const whole = Math.floor(milliseconds / 1000);
  return Math.max(-MOST_SECONDS, Math.min(whole, MOST_SECONDS));
}

/** A structured field carries ASCII alone. */
function detailItem(detail: string): BareItem {
  const isPlain = isToken(detail) && /^[A-Za-z*]/.test(detail);
  return isPlain ? new Token(detail) : detail.replaceAll(/[^\x20-\x7e]/g, "?");
}

/** The whole field: what caches nearer to the origin wrote stands first. */
export function withMember(before: string | undefined, member: string): string {
  return before === undefined || before.trim() === "" ? member : `${before}, ${member}`;
}
