// The keys of template fragments: predictable, and different for different names and vary values.
import { ArgumentKeyError, OptionError, show } from "../errors.js";
import { digest, MAX_KEY } from "../key/hash.js";
import { cachingId, identify } from "../key/identity.js";

/** What a fragment may vary on. A number and its text are the same; all else is told apart. */
export type VaryValue =
  | string
  | number
  | bigint
  | boolean
  | Date
  | null
  | undefined
  | readonly VaryValue[]
  | { readonly [cachingId]: () => string | number | bigint };

const PLAIN = /^[\w./-]+$/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const RESERVED = /[~()']/g;
const MAX_DEPTH = 100;

/**
 * The key under which a fragment is stored: `fragment/sidebar`, `fragment/sidebar:7:en`. Different
 * names and lists of vary values never give the same key. From Flask-Cache's
 * `make_template_fragment_key`, whose joins do.
 *
 * @throws {OptionError} without a name
 * @throws {ArgumentKeyError} for a vary value that cannot be part of a key
 */
export function makeTemplateFragmentKey(
  name: string | number,
  varyOn: readonly VaryValue[] = [],
): string {
  const head = `fragment/${segment(fragmentName(name))}`;
  if (!Array.isArray(varyOn)) {
    throw new OptionError(`The vary values of ${show(name)} must be a list; got ${show(varyOn)}.`);
  }
  let key = head;
  for (let index = 0; index < varyOn.length; index += 1) {
    key += `:${part(varyOn[index], { name, index }, 0)}`;
  }
  return key.length <= MAX_KEY ? key : shortened(head, key);
}

/** Which vary value of which fragment an error is about. */
interface Place {
  readonly name: string | number;
  readonly index: number;
}

/**
 * The name of a fragment as text.
 *
 * @throws {OptionError} for anything but text and finite numbers
 */
export function fragmentName(name: unknown): string {
  const plain = unboxed(name);
  if (typeof plain === "string" && plain !== "") return plain;
  if (typeof plain === "number" && Number.isFinite(plain)) return String(plain);
  throw new OptionError(
    `A fragment needs a name, a non-empty text that no other fragment has; got ${show(plain)}.`,
  );
}

/** Text out of its object: engines mark safe text by an object. */
export function unboxed(value: unknown): unknown {
  return typeof value === "object" && isTextObject(value) ? value.valueOf() : value;
}

function isTextObject(value: object | null): value is { valueOf(): string } {
  return Object.prototype.isPrototypeOf.call(String.prototype, value as object);
}

function part(given: unknown, place: Place, depth: number): string {
  const value = unboxed(given);
  switch (typeof value) {
    case "string":
      return segment(value);
    case "number":
      return segment(String(value));
    case "bigint":
      return String(value);
    case "boolean":
      return `~${value}`;
    case "undefined":
      return "~";
    case "object":
      return value === null ? "~null" : objectPart(value, place, depth);
    case "function":
    case "symbol":
    default:
      return refuse(value, place);
  }
}

function objectPart(value: object, place: Place, depth: number): string {
  if (Array.isArray(value)) return listPart(value, place, depth);
  if (cachingId in value) return `~${segment(identify(value, () => where(place)).slice(1, -1))}`;
  if (value instanceof Date) return `~${segment(dateText(value))}`;
  return refuse(value, place);
}

function listPart(list: readonly unknown[], place: Place, depth: number): string {
  if (depth === MAX_DEPTH) {
    throw new ArgumentKeyError(`${where(place)} is a list nested more than ${MAX_DEPTH} deep.`);
  }
  // A list of one empty text is not an empty list.
  if (list.length === 0) return "~()";
  return `(${Array.from(list, (item) => part(item, place, depth + 1)).join(",")})`;
}

function dateText(date: Date): string {
  return Number.isNaN(date.getTime()) ? "NaN" : date.toISOString();
}

function refuse(value: unknown, place: Place): never {
  throw new ArgumentKeyError(
    `${where(place)} is ${show(value)}, which cannot be part of a key. Pass what tells it apart ` +
      `(user.id rather than user), or give its class a [cachingId]() method.`,
  );
}

function where({ name, index }: Place): string {
  return `Vary value ${index + 1} of the fragment ${show(name)}`;
}

function segment(text: string): string {
  if (PLAIN.test(text)) return text;
  const coded = LONE_SURROGATE.test(text) ? encodeUnits(text) : encodeURIComponent(text);
  return coded
    .replaceAll("%2F", "/")
    .replaceAll(RESERVED, (unit) => `%${unit.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Text with lone surrogates, which have no UTF-8: they become `%u` and four digits. */
function encodeUnits(text: string): string {
  return Array.from(text, (unit) =>
    LONE_SURROGATE.test(unit) ? `%u${unit.charCodeAt(0).toString(16)}` : encodeURIComponent(unit),
  ).join("");
}

// No name and no vary value holds a "#".
function shortened(head: string, key: string): string {
  const short = `:#${digest(key)}`;
  return head.length + short.length <= MAX_KEY ? head + short : `fragment/#${digest(key)}`;
}
