// How entries and versions are written as text, and read back from text that may be anything.
import { makeEntry, type Carried, type Entry, type Version } from "../entry.js";
import { encodeHeld, heldText } from "../value/codec.js";

// The first character is the format, the second what follows. An entry is a head in JSON, a line end
// and the value. A text of another format, or cut short, is nothing.
const ENTRY = "1e";
const VERSION = "1v";

/** `Infinity` has no place in JSON. */
type Time = number | null;

type Head = readonly [
  key: string,
  length: number,
  storedAt: Time,
  freshUntil: Time,
  staleUntil: Time,
  errorUntil: Time,
  cost: number,
  carried: readonly string[],
  owner: string | null,
  check: string | null,
];

/**
 * An entry as text.
 *
 * @throws {NotCarriableError} for a value that cannot be carried.
 */
export function writeEntry(entry: Entry): string {
  const value = encodeHeld(entry.held);
  const head: Head = [
    entry.key,
    value.length,
    toTime(entry.storedAt),
    toTime(entry.freshUntil),
    toTime(entry.staleUntil),
    toTime(entry.errorUntil),
    entry.cost,
    entry.carried.flatMap(({ tag, mark }) => [tag, mark]),
    entry.owner ?? null,
    entry.check ?? null,
  ];
  return `${ENTRY}${JSON.stringify(head)}\n${value}`;
}

/** The entry of a key that a text holds, if it holds one. */
export function readEntry(text: unknown, key: string): Entry | undefined {
  if (typeof text !== "string" || !text.startsWith(ENTRY)) return undefined;
  try {
    const end = text.indexOf("\n");
    const head: unknown = JSON.parse(text.slice(ENTRY.length, end));
    const value = text.slice(end + 1);
    // A store may take two keys for one, or cut what is too long for it.
    const whole = isHead(head) && head[0] === key && head[1] === value.length;
    return whole ? toEntry(head, value) : undefined;
  } catch {
    return undefined;
  }
}

/** A version as text. Read with each entry that carries it, so it takes no parser. */
export function writeVersion({ tag, mark, until }: Version): string {
  return `${VERSION}${until},${mark.length},${mark}${JSON.stringify(tag)}`;
}

/** The version of a tag that a text holds, if it holds one that has not ended. */
export function readVersion(text: unknown, tag: string): Version | undefined {
  if (typeof text !== "string" || !text.startsWith(VERSION)) return undefined;
  const first = text.indexOf(",");
  const second = text.indexOf(",", first + 1);
  const until = Number(text.slice(VERSION.length, first));
  const end = second + 1 + Number(text.slice(first + 1, second));
  const whole = text.slice(end) === JSON.stringify(tag);
  return whole && Date.now() < until
    ? { tag, mark: text.slice(second + 1, end), until }
    : undefined;
}

function isHead(head: unknown): head is Head {
  if (!Array.isArray(head) || head.length !== 10 || !Array.isArray(head[7])) return false;
  return typeof head[6] === "number" && head[7].every((text) => typeof text === "string");
}

function toEntry(head: Head, value: string): Entry {
  const [key, , storedAt, freshUntil, staleUntil, errorUntil, cost, carried, owner, check] = head;
  return makeEntry({
    key,
    held: heldText(value),
    storedAt: fromTime(storedAt),
    freshUntil: fromTime(freshUntil),
    staleUntil: fromTime(staleUntil),
    errorUntil: fromTime(errorUntil),
    cost,
    carried: pairs(carried),
    owner: owner ?? undefined,
    check: check ?? undefined,
  });
}

function pairs(flat: readonly string[]): readonly Carried[] {
  const carried: Carried[] = [];
  for (let i = 0; i < flat.length; i += 2) carried.push({ tag: flat[i]!, mark: flat[i + 1]! });
  return carried;
}

function toTime(time: number): Time {
  return time === Infinity ? null : time;
}

function fromTime(time: unknown): number {
  if (time === null) return Infinity;
  if (typeof time === "number") return time;
  throw new TypeError("not a time");
}
