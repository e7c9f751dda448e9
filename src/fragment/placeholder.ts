// The text that stands for a fragment until it is known: unforgeable, and broken by all that changes it.
import { randomInt } from "node:crypto";

// Trimming takes white space from the ends. It shows, because each end is a sequence of its own that
// no text has, however much its characters may be in one.
const START = "\v\t\f\v";
const END = "\f\t\v\f";
// Stays where a placeholder was cut and then trimmed.
const SIGN = "\u0001";

// Whatever escapes, quotes, changes case, collapses blanks, strips tags, links or replaces a
// character of ASCII changes something in here.
const TAIL =
  "<kC  \"'&=`\\!#$%()*+,-./:;?@[]^_{|}~ -- ... http://k.C/ " +
  "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ\u00e9\t\r\n>";

/** What may be left of a placeholder, and may be of the text as well. */
// oxlint-disable-next-line no-control-regex -- placeholders are known by these characters
const LEFT = /[\v\f\u0001]/;

const DIGITS = 20;

/** What every placeholder of this process begins with, after its first character. */
const PROCESS = digits();

/** One rendering's share of the placeholders. */
export interface Marker {
  /** What the rendering's placeholders hold, and nothing else does. */
  readonly text: string;
  readonly serial: string;
}

// Renderings that are under way, and those that ended while another one was.
const open = new Set<string>();
const ended = new Set<string>();
const MOST_ENDED = 10_000;

/** Begins a rendering that leaves placeholders. */
export function openMarker(): Marker {
  const serial = digits();
  open.add(serial);
  return { serial, text: `${SIGN}${PROCESS}${serial}:` };
}

/** Ends a rendering: its placeholders stand for nothing any more. */
export function closeMarker({ serial }: Marker): void {
  open.delete(serial);
  if (open.size === 0) ended.clear();
  else if (ended.size < MOST_ENDED) ended.add(serial);
}

/** The placeholder of a slot. */
export function placeholder(marker: Marker, slot: number): string {
  return `${START}${marker.text}${slot}${TAIL}${END}`;
}

/** A placeholder found whole; what was trimmed off it is to be trimmed off the content. */
export interface Found {
  readonly slot: number;
  readonly trimStart: boolean;
  readonly trimEnd: boolean;
}

/** A rendered text taken apart. */
export interface Scan {
  readonly pieces: readonly (string | Found)[];
  /** Slots whose placeholder is there, but changed. */
  readonly broken: readonly number[];
  readonly rest: Rest;
}

/**
 * What there is besides whole placeholders: `guest`, a placeholder that the caller expects or that
 * stands for nothing any more; `doubt`, a character that may be all that is left of one; `cut`, an
 * end of one; `damage`, one that was changed; `stranger`, one of another rendering under way.
 */
export type Rest = "nothing" | "guest" | "doubt" | "cut" | "damage" | "stranger";

/** Takes a text apart at the placeholders of a rendering. `guests` are serials to let pass. */
export function scan(text: string, marker: Marker | undefined, guests: readonly string[]): Scan {
  if (marker === undefined && !mayHoldAny(text))
    return { pieces: [text], broken: [], rest: "nothing" };
  const pieces: (string | Found)[] = [];
  const broken: number[] = [];
  const [head, ...parts] = marker === undefined ? [text] : text.split(marker.text);
  let literal = head!;
  for (const part of parts) {
    const found = parse(part);
    const trimStart = !literal.endsWith(START);
    if (!found.isWhole || (trimStart && isFrayed(literal.at(-1)))) {
      broken.push(found.slot);
      literal += marker!.text + part;
      continue;
    }
    const { slot, trimEnd } = found;
    pieces.push(trimStart ? literal : literal.slice(0, -START.length));
    pieces.push({ slot, trimStart, trimEnd });
    literal = part.slice(found.end);
  }
  pieces.push(literal);
  return { pieces, broken, rest: broken.length > 0 ? "damage" : restOf(pieces, marker, guests) };
}

/** Whether a placeholder may be in a text; a long text is not looked at where there is none at all. */
function mayHoldAny(text: string): boolean {
  return open.size + ended.size > 0 && text.includes(PROCESS);
}

/** Reads what stands behind the text of a marker. */
function parse(part: string): { slot: number; isWhole: boolean; trimEnd: boolean; end: number } {
  let slot = 0;
  let at = 0;
  for (let digit = part.charCodeAt(0) - 48; digit >= 0 && digit <= 9;) {
    slot = slot * 10 + digit;
    digit = part.charCodeAt((at += 1)) - 48;
  }
  const end = at + TAIL.length;
  const trimEnd = !part.startsWith(END, end);
  const isCutOff = trimEnd && isFrayed(part[end]) && !part.startsWith(START, end);
  const isWhole = part.startsWith(TAIL, at) && !isCutOff;
  return { slot, isWhole, trimEnd, end: trimEnd ? end : end + END.length };
}

/** Whether what stands at an end is left of it, or a character of the text that looks like that. */
function isFrayed(character: string | undefined): boolean {
  return character === "\v" || character === "\f";
}

const SEVERITY: readonly Rest[] = ["nothing", "guest", "doubt", "cut", "damage", "stranger"];

function restOf(
  pieces: Scan["pieces"],
  marker: Marker | undefined,
  guests: readonly string[],
): Rest {
  let rest: Rest = "nothing";
  for (const piece of pieces) {
    if (typeof piece !== "string" || piece === "" || !isSuspect(piece)) continue;
    rest = worse(rest, examine(piece, marker, guests));
  }
  return rest;
}

function worse(one: Rest, other: Rest): Rest {
  return SEVERITY.indexOf(one) < SEVERITY.indexOf(other) ? other : one;
}

function isSuspect(text: string): boolean {
  return LEFT.test(text) || text.includes(PROCESS);
}

function examine(text: string, marker: Marker | undefined, guests: readonly string[]): Rest {
  const places = positions(text, PROCESS);
  // The ends of a guest are no sign of anything.
  if (places.length === 0) return isCut(text) ? "cut" : "doubt";
  return places.map((at) => kindOf(text, at, marker, guests)).reduce(worse);
}

/** What a placeholder is that is not one of the rendering's own, or not whole. */
function kindOf(
  text: string,
  at: number,
  marker: Marker | undefined,
  guests: readonly string[],
): Rest {
  const serial = text.slice(at + DIGITS, at + 2 * DIGITS);
  if (guests.includes(serial)) return "guest";
  if (serial !== marker?.serial && (open.has(serial) || ended.has(serial))) return "stranger";
  return serial !== marker?.serial && /^\d{20}$/.test(serial) ? "guest" : "damage";
}

/** Whether a part of a placeholder is left, and not only what may be a character of the text. */
function isCut(text: string): boolean {
  return [START.slice(0, 2), END.slice(-2), SIGN + PROCESS[0]!].some((part) => text.includes(part));
}

function positions(text: string, wanted: string): number[] {
  const found: number[] = [];
  let at = text.indexOf(wanted);
  while (at !== -1) {
    found.push(at);
    at = text.indexOf(wanted, at + wanted.length);
  }
  return found;
}

function digits(): string {
  let text = "";
  while (text.length < DIGITS) text += String(randomInt(10_000_000_000)).padStart(10, "0");
  return text.slice(0, DIGITS);
}
