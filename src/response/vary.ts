// Which variant of a page a request selects: normalised values of the fields that it varies on.
import { fieldText, type Fields, type FieldValue } from "./fields.js";

/**
 * What is known of the variants of a page. It stands under the key of the page itself: the names
 * that its responses vary on, and the variants that exist, the newest last.
 */
export interface VariantIndex {
  /** Part of the keys of its variants: they are out of reach when the index is gone. */
  readonly id: string;
  readonly names: readonly string[];
  readonly variants: readonly string[];
  /** How long its variants are of use, in milliseconds since 1970. */
  readonly until: number;
}

/** Whether a value from a store is such an index. */
export function isVariantIndex(value: unknown): value is VariantIndex {
  const { id, names, variants, until } = Object(value) as Record<keyof VariantIndex, unknown>;
  return typeof id === "string" && isTexts(names) && isTexts(variants) && typeof until === "number";
}

function isTexts(list: unknown): boolean {
  return Array.isArray(list) && list.every((text) => typeof text === "string");
}

/** How many fields a page may vary on. */
export const MOST_NAMES = 16;

/** How long the values of these fields may be together, in characters. */
export const LONGEST_VALUES = 8192;

/** How many variants of a page are kept. */
export const MOST_VARIANTS = 64;

const COOKIE = "cookie:";

/**
 * The text of the variant that a request selects; `undefined` when it would be longer than keys
 * should be. Absent, empty and blank values are three different things.
 */
export function variantText(names: readonly string[], request: Fields): string | undefined {
  if (names.length === 0) return "";
  if (names.length > MOST_NAMES) return undefined;
  const pairs = names.toSorted().map((name) => [name, normalValue(name, request)]);
  const text = JSON.stringify(pairs);
  return text.length > LONGEST_VALUES ? undefined : text;
}

/** The names that a page varies on: those declared, and those its responses named so far. */
export function unitedNames(...lists: readonly (readonly string[])[]): readonly string[] {
  const all = new Set(lists.flat());
  const implied = (name: string) => name.startsWith(COOKIE) && all.has("cookie");
  return [...all].filter((name) => !implied(name)).toSorted();
}

/** Adds a variant; gives the index and the variants that had to leave it. */
export function addVariant(
  index: VariantIndex,
  variant: string,
): { readonly index: VariantIndex; readonly dropped: readonly string[] } {
  const all = [...index.variants.filter((known) => known !== variant), variant];
  const excess = Math.max(0, all.length - MOST_VARIANTS);
  return {
    index: { ...index, variants: all.slice(excess) },
    dropped: all.slice(0, excess),
  };
}

/** The names for the `Vary` field of the response: single cookies are part of `Cookie`. */
export function varyField(names: readonly string[]): readonly string[] {
  return [...new Set(names.map((name) => (name.startsWith(COOKIE) ? "cookie" : name)))];
}

function normalValue(name: string, request: Fields): FieldValue | null {
  if (name.startsWith(COOKIE)) return cookieValue(request, name.slice(COOKIE.length)) ?? null;
  const value = Object.hasOwn(request, name) ? request[name] : undefined;
  const member = MEMBERS.get(name);
  if (value === undefined) return null;
  return member === undefined || typeof value !== "string" ? value : preferences(value, member);
}

/**
 * A cookie and what signs it. Koa signs a cookie by a second one, `<name>.sig`, and its handlers take
 * a cookie whose signature is missing or wrong for none. No cookie holds a ";".
 */
function cookieValue(request: Fields, name: string): string | undefined {
  const cookies = fieldText(request, "cookie") ?? "";
  const value = sentCookie(cookies, name);
  const signature = sentCookie(cookies, `${name}.sig`);
  return value === undefined || signature === undefined ? value : `${value};${signature}`;
}

/** The first cookie of a name, as it was sent. Koa skips spaces before a name, and no other blanks. */
function sentCookie(cookies: string, name: string): string | undefined {
  const pairs = cookies.split(";").map((pair) => pair.replace(/^ +/, ""));
  const found = pairs.find((pair) => pair.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

interface Preference {
  readonly range: string;
  readonly weight: number;
}

const BLANKS = "[ \\t]*";
const TOKEN = "[!#$%&'*+.^_`|~\\w-]+";
const PARAMETERS = `(?:${BLANKS};${BLANKS}(?![qQ]=)${TOKEN}=${TOKEN})*`;

/**
 * What a member of these lists looks like where all servers read it alike. Koa's negotiator is
 * stricter than the specification: it skips a weight written `Q=`, and one after a blank in
 * `Accept-Language`.
 */
const MEMBERS: ReadonlyMap<string, RegExp> = new Map([
  ["accept", memberPattern(`${TOKEN}/${TOKEN}${PARAMETERS}`, BLANKS)],
  ["accept-language", memberPattern(TOKEN, "")],
  ["accept-charset", memberPattern(TOKEN, BLANKS)],
  ["accept-encoding", memberPattern(TOKEN, BLANKS)],
]);

function memberPattern(range: string, blanks: string): RegExp {
  const weight = `${BLANKS};${blanks}q=(?<weight>0(?:\\.\\d{0,3})?|1(?:\\.0{0,3})?)`;
  return new RegExp(`^${BLANKS}(?<range>${range})(?:${weight})?${BLANKS}$`);
}

/**
 * A list of preferences without blanks and written-out defaults, the heaviest first; an odd one as it
 * is. Those of equal weight keep their order, because servers take it for a preference, and ranges
 * keep their case, because handlers that ask for the whole list get it as it was sent.
 */
function preferences(value: string, pattern: RegExp): string {
  const members = value.split(",").map((member) => preference(member, pattern));
  if (members.includes(undefined)) return value;
  const known = members as readonly Preference[];
  // Which of two weights for one range counts is up to the server.
  const ranges = new Set(known.map(({ range }) => range.toLowerCase()));
  if (ranges.size < known.length) return value;
  const ordered = known.toSorted((one, other) => other.weight - one.weight);
  return ordered.map(preferenceText).join(",");
}

function preference(member: string, pattern: RegExp): Preference | undefined {
  const parts = pattern.exec(member)?.groups;
  if (parts === undefined) return undefined;
  return { range: parts["range"]!.replace(/[ \t]+/g, ""), weight: Number(parts["weight"] ?? 1) };
}

function preferenceText({ range, weight }: Preference): string {
  return weight === 1 ? range : `${range};q=${weight}`;
}
