// What keys are spelled with: digests, random marks, quoted and escaped text.
import * as crypto from "node:crypto";

/** The longest key in plain text, in UTF-16 units; what would be longer is hashed. */
export const MAX_KEY = 200;

const SPECIAL = /["\\\p{Cc}\p{Surrogate}]/u;
const CONTROL = /\p{Cc}/gu;
const LONE_SURROGATE = /\p{Surrogate}/u;
const PLAIN_NAME = /^[\w$.#/-]+$/;
const UNSAFE = /[^A-Za-z0-9.-]/g;

/**
 * A SHA-256 of a text, 43 characters of base64url. Texts that differ only in lone surrogates, which
 * UTF-8 cannot tell apart, are hashed as UTF-16 behind a byte that no UTF-8 text begins with.
 */
export function digest(text: string): string {
  if (!LONE_SURROGATE.test(text)) return sha256(text);
  return sha256(Buffer.concat([Buffer.of(0xff), Buffer.from(text, "utf16le")]));
}

// Half the time of createHash(); absent from Node 21.0 to 21.6.
const oneShot = (crypto as Partial<typeof crypto>).hash;

/** A SHA-256, 43 characters of base64url. */
export function sha256(data: string | Uint8Array): string {
  if (oneShot !== undefined) return oneShot("sha256", data, "base64url");
  return crypto.createHash("sha256").update(data).digest("base64url");
}

const MARK_BYTES = 12;
/** Random bytes for many marks: asking for them is what takes time. */
const pool = Buffer.alloc(256 * MARK_BYTES);
let used = pool.length;

/** 96 random bits, 16 characters of base64url. */
export function randomMark(): string {
  if (used === pool.length) {
    crypto.randomFillSync(pool);
    used = 0;
  }
  used += MARK_BYTES;
  return pool.toString("base64url", used - MARK_BYTES, used);
}

/**
 * A text as one segment of a key: only `A-Z a-z 0-9 . - ~` remain, so that no separator, no space
 * and no wildcard of any store is among them. Different texts give different segments: a unit below
 * 256 becomes `~` and two hex digits, any other `~u` and four, and the empty text `~` alone.
 */
export function escapeSegment(text: string): string {
  return text === "" ? "~" : text.replaceAll(UNSAFE, escapeUnit);
}

function escapeUnit(unit: string): string {
  const code = unit.charCodeAt(0);
  const digits = code.toString(16);
  return code < 256 ? `~${digits.padStart(2, "0")}` : `~u${digits.padStart(4, "0")}`;
}

/** A text in quotes, from which it can be read back; without control characters while it is short. */
export function quote(text: string): string {
  if (text.length > MAX_KEY) return quoteLong(text);
  return SPECIAL.test(text) ? JSON.stringify(text).replaceAll(CONTROL, escapeControl) : `"${text}"`;
}

// JSON leaves U+007F to U+009F as they are.
function escapeControl(unit: string): string {
  return `\\u00${unit.charCodeAt(0).toString(16)}`;
}

// Searching for single characters is many times faster than a character class.
function quoteLong(text: string): string {
  const plain = !text.includes('"') && !text.includes("\\") && !LONE_SURROGATE.test(text);
  return plain ? `"${text}"` : JSON.stringify(text);
}

/** A name as it is while it is made of ordinary characters, else quoted. */
export function nameText(name: string): string {
  return PLAIN_NAME.test(name) ? name : quote(name);
}

/** A primitive as JavaScript writes it; `undefined` for objects, functions and symbols. */
export function primitiveText(value: unknown): string | undefined {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : `${value}`;
  if (typeof value === "bigint") return bigintText(value);
  if (typeof value === "boolean" || value === undefined || value === null) return `${value}`;
  return undefined;
}

// The time that decimal digits take grows faster than their number.
function bigintText(value: bigint): string {
  if (value === BigInt.asIntN(64, value)) return `${value}n`;
  return value < 0n ? `-0x${(-value).toString(16)}n` : `0x${value.toString(16)}n`;
}
