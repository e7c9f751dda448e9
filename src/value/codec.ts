// Values as text and back: what the stores outside this process keep.
import type { Held } from "../entry.js";
import { show } from "../errors.js";
import { HeldSnapshot, hold } from "./copy.js";
import { readRichText, richText } from "./rich.js";
import { takeSnapshot } from "./snapshot.js";

// The first character is the version of the format, the second tells what follows.
const JSON_FORMAT = "1j";
const RICH_FORMAT = "1d";

/**
 * The text of a value.
 *
 * @throws {NotCarriableError} for what would not come back equal.
 */
export function encode(value: unknown): string {
  const snapshot = takeSnapshot(value);
  return textOf(snapshot.value, snapshot.json);
}

/** The text of a held value, without copying or checking it again where it is a snapshot or a text. */
export function encodeHeld(held: Held): string {
  if (held instanceof HeldText) return held.text;
  return held instanceof HeldSnapshot ? textOf(held.value, held.json) : encode(held.give());
}

/**
 * The value of a text. Text from anywhere may be given: none can run code or change a prototype.
 *
 * @throws for text that `encode` cannot have written: another format, truncated, damaged.
 */
export function decode(text: string): unknown {
  const format = typeof text === "string" ? text.slice(0, 2) : text;
  if (format === JSON_FORMAT) return JSON.parse(text.slice(2));
  if (format === RICH_FORMAT) return readRichText(text.slice(2));
  throw new SyntaxError(
    `Expected a text that begins with ${JSON_FORMAT} or ${RICH_FORMAT}, got ${show(format)}.`,
  );
}

/**
 * Takes a text into safe keeping as the value it stands for.
 *
 * @throws for text that `decode` refuses.
 */
export function heldText(text: string): Held {
  const value = decode(text);
  return typeof value === "object" && value !== null
    ? new HeldText(text, value)
    : hold(value, "copy");
}

/** A text in safe keeping; the value that proved it readable goes to the first who asks. */
class HeldText implements Held {
  readonly bytes: number;
  readonly shared = false;
  readonly text: string;
  #first: unknown;

  constructor(text: string, first: object) {
    this.bytes = 2 * text.length;
    this.text = text;
    this.#first = first;
  }

  give(): unknown {
    const value = this.#first ?? decode(this.text);
    this.#first = undefined;
    return value;
  }
}

// A number cut short is still a number in JSON; devalue puts it into brackets.
function textOf(value: unknown, json: boolean): string {
  if (json && typeof value !== "number") return JSON_FORMAT + JSON.stringify(value);
  return RICH_FORMAT + richText(value);
}
