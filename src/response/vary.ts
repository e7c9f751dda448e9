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
  const normalise = NORMALISERS.get(name);
  if (value === undefined) return null;
  return normalise === undefined || typeof value !== "string" ? value : normalise(value);
}

/** The first cookie of a name, as it was sent. */
function cookieValue(request: Fields, name: string): string | undefined {
  const pairs = (fieldText(request, "cookie") ?? "").split(";").map((pair) => pair.trimStart());
  const found = pairs.find((pair) => pair.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

interface Preference {
  readonly range: string;
  readonly weight: number;
}

/**
 * The fields whose specification says which differences mean nothing. Languages and media types of
 * equal weight keep their order, because many servers take it for a preference.
 */
const NORMALISERS: ReadonlyMap<string, (value: string) => string> = new Map([
  ["accept", (value) => preferences(value, byWeight)],
  ["accept-language", (value) => preferences(value, byWeight)],
  ["accept-charset", (value) => preferences(value, byWeightAndName)],
  ["accept-encoding", (value) => preferences(value, byWeightAndName)],
]);

function byWeight(one: Preference, other: Preference): number {
  return other.weight - one.weight;
}

function byWeightAndName(one: Preference, other: Preference): number {
  return other.weight - one.weight || (one.range < other.range ? -1 : 1);
}

/** A list of preferences without case, blanks and written-out defaults; the odd ones as they are. */
function preferences(value: string, order: (one: Preference, other: Preference) => number): string {
  // Blank stays apart from empty, and a quoted comma does not separate.
  if (value.trim() === "" || value.includes('"')) return value;
  const members = value.split(",").map(preference);
  if (members.includes(undefined)) return value;
  const known = members as readonly Preference[];
  // Which of two weights for one range counts is up to the server.
  if (new Set(known.map(({ range }) => range)).size < known.length) return value;
  return known.toSorted(order).map(preferenceText).join(",");
}

/** Parameters keep their case: only the range and the weight are known to have none. */
function preference(member: string): Preference | undefined {
  const [range, ...parameters] = member.split(";").map((part) => part.trim());
  const weighted = /^q=/i.test(parameters.at(-1) ?? "");
  const weight = weighted ? parameters.pop()!.slice("q=".length) : "1";
  if (range === "" || parameters.some((given) => /^q=/i.test(given))) return undefined;
  if (!/^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight)) return undefined;
  return { range: [range!.toLowerCase(), ...parameters].join(";"), weight: Number(weight) };
}

function preferenceText({ range, weight }: Preference): string {
  return weight === 1 ? range : `${range};q=${weight}`;
}
