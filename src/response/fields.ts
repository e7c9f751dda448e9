// Header fields as plain facts: values, lists, dates and entity tags as RFC 9110 writes them.

/** The value of a field, as Node holds it. */
export type FieldValue = string | number | readonly string[] | undefined;

/** Header fields by lower-case name. */
export type Fields = Readonly<Record<string, FieldValue>>;

/** What a request is, as far as a cache is concerned. */
export interface RequestFacts {
  readonly method: string;
  readonly fields: Fields;
}

/** What a response is, as far as a cache is concerned. */
export interface ResponseFacts {
  readonly status: number;
  readonly fields: Fields;
  /** When its request was passed on, in milliseconds since 1970. */
  readonly requestedAt: number;
  /** When it was there, in milliseconds since 1970. */
  readonly receivedAt: number;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
const IMF_DATE = new RegExp(`^${DAY}, \\d\\d ${MONTH} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT$`);
const RFC850_DATE = new RegExp(
  `^[A-Z][a-z]+day, (\\d\\d)-(${MONTH})-(\\d\\d) (\\d\\d:\\d\\d:\\d\\d) GMT$`,
);
const ASCTIME_DATE = new RegExp(`^${DAY} ${MONTH} ([ \\d]\\d) \\d\\d:\\d\\d:\\d\\d \\d{4}$`);
const ENTITY_TAG = /^(W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;
const LISTED_TAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/y;
const SPACE = /[ \t]*/y;
const END = /,|$/y;
const HALF_CENTURY = 50 * 365.25 * 86_400_000;

/** The text of a field, its lines joined; `undefined` when it is absent, `""` when it is empty. */
export function fieldText(fields: Fields, name: string): string | undefined {
  // Names come from responses too: "constructor" is a name like any other.
  if (!Object.hasOwn(fields, name)) return undefined;
  const value = fields[name];
  if (typeof value === "string" || value === undefined) return value;
  return typeof value === "number" ? String(value) : value.join(", ");
}

/** Whether a text is a token (RFC 9110, section 5.6.2). */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** The members of a comma-separated list without quoted strings; empty members do not count. */
export function listMembers(text: string): readonly string[] {
  return text
    .split(",")
    .map((member) => member.trim())
    .filter((member) => member !== "");
}

/** Lower-case field names of a list; `undefined` if one of them cannot be a name. */
export function fieldNames(text: string): readonly string[] | undefined {
  const names = listMembers(text).map((name) => name.toLowerCase());
  return names.every(isToken) ? names : undefined;
}

/**
 * An HTTP-date (RFC 9110, section 5.6.7) in milliseconds since 1970; `undefined` for anything else,
 * dates that do not exist included.
 */
export function parseHttpDate(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (IMF_DATE.test(text)) return existing(Date.parse(text), text.slice(5, 7));
  const short = RFC850_DATE.exec(text);
  if (short !== null) return shortYear(short as unknown as ShortDate);
  const asctime = ASCTIME_DATE.exec(text);
  return asctime === null ? undefined : existing(Date.parse(`${text} GMT`), asctime[1]!);
}

type ShortDate = readonly [text: string, day: string, month: string, year: string, time: string];

/** A two-digit year that would be more than fifty years ahead is one of the past. */
function shortYear([, day, month, year, time]: ShortDate): number | undefined {
  const century = Math.floor(new Date().getUTCFullYear() / 100) * 100;
  const at = (years: number) => Date.parse(`${day} ${month} ${years} ${time} GMT`);
  const next = at(century + Number(year));
  return existing(next > Date.now() + HALF_CENTURY ? at(century + Number(year) - 100) : next, day);
}

/** A time whose day of the month is the one that was written. */
function existing(time: number, day: string): number | undefined {
  return new Date(time).getUTCDate() === Number(day) ? time : undefined;
}

/** Writes an HTTP-date. */
export function httpDate(time: number): string {
  return new Date(time).toUTCString();
}

/** A well-formed entity tag, or `undefined`. */
export function entityTag(text: string | undefined): string | undefined {
  return text !== undefined && ENTITY_TAG.test(text) ? text : undefined;
}

/** The entity tags of a list; `undefined` when it is not one (RFC 9110, section 13.1.2). */
export function entityTags(text: string): readonly string[] | undefined {
  const tags: string[] = [];
  const reader = new FieldReader(text);
  while (!reader.done) {
    const tag = reader.element(LISTED_TAG);
    if (!reader.endOfElement()) return undefined;
    if (tag !== undefined) tags.push(tag[0]);
  }
  return tags;
}

/**
 * Takes the elements of a comma-separated list one after the other. Each pattern is sticky and
 * tried at one place only, so that reading takes linear time whatever a client sends.
 */
export class FieldReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Whether the text is used up. */
  get done(): boolean {
    return this.#at >= this.#text.length;
  }

  /** What a pattern matches here, if it does. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match;
  }

  /** The same after blanks: the beginning of an element, which may be empty. */
  element(pattern: RegExp): RegExpExecArray | undefined {
    this.take(SPACE);
    return this.take(pattern);
  }

  /** Whether nothing but blanks stands before the next comma or the end. */
  endOfElement(): boolean {
    this.take(SPACE);
    return this.take(END) !== undefined;
  }
}

/** Whether two entity tags are equal but for their weakness (RFC 9110, section 8.8.3.2). */
export function weaklyEqual(one: string, other: string): boolean {
  return one.replace(/^W\//, "") === other.replace(/^W\//, "");
}
