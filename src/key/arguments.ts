// Argument lists as text: canonical, injective, type by type.
//
// Format 1. A list is its values with commas between them, without trailing `undefined`s.
//
//   number, bigint, text …   as JavaScript writes them: 1  -0  NaN  1n  "a"  true  null  undefined
//   list                     [1,undefined,3]
//   plain object             {a:1,b:2}        sorted by name, without `undefined` properties
//   Map, Set                 Map{1=>2}  Set{1,2}      members sorted by their own text
//   Date, RegExp, URL        Date(0)  Date(NaN)  RegExp("a","g")  URL("http://a/")
//   bytes, other views       Uint8Array(…)  Float64Array(…)  ArrayBuffer(…)  DataView(…)   base64url
//   object with its own id   <User 7>         class name and [cachingId]()
//   any other object         <~process.12>    its identity in this process
//
// A name with other characters than A-Z a-z 0-9 _ $ . # / - stands in quotes.
import { Encoder } from "./encoder.js";
import { digest, MAX_KEY, nameText, primitiveText, quote } from "./hash.js";

/** The version of the text format; another format orphans the entries of processes before it. */
export const KEY_FORMAT = 1;

const MANY = 100;

/** A key, and the text behind it where the key holds only a digest. */
export interface ArgumentKey {
  readonly key: string;
  readonly check: string | undefined;
}

/**
 * The key of a call: `name(1,"a")` while that has at most 200 characters, else `name(#digest)` with
 * the whole text as `check`. Different names, receivers and argument lists never share both.
 *
 * @param receiver What `identify()` gave for `this`, where `this` counts.
 */
export function argumentKey(
  name: string,
  args: readonly unknown[],
  receiver?: string,
): ArgumentKey {
  const head = nameText(name);
  const key = `${head}${receiverText(receiver)}(${encodeArguments(args)})`;
  return key.length <= MAX_KEY ? { key, check: undefined } : { key: hashed(head, key), check: key };
}

// No encoded list begins with "#", and no key in plain text with "(".
function hashed(head: string, text: string): string {
  const short = `(#${digest(text)})`;
  return head.length + short.length <= MAX_KEY ? head + short : short;
}

function receiverText(receiver: string | undefined): string {
  if (receiver === undefined) return "";
  return /^<[^(]*$/.test(receiver) ? receiver : quote(receiver);
}

/**
 * An argument list as text: equal for two lists exactly when they are equal by type and content.
 *
 * @throws {ArgumentKeyError} for what has no content and no identity to be told by (functions,
 * symbols, promises, streams, cycles, getters …), and for what is nested too deep or too large.
 */
export function encodeArguments(args: readonly unknown[]): string {
  let count = args.length;
  while (count > 0 && args[count - 1] === undefined) count -= 1;
  return shortText(args, count) ?? new Encoder().arguments(args, count);
}

/** The text of a few short primitives; `undefined` for what needs more care. */
function shortText(args: readonly unknown[], count: number): string | undefined {
  if (count > MANY) return undefined;
  let text = "";
  for (let index = 0; index < count; index += 1) {
    const value = args[index];
    if (typeof value === "string" && value.length > MAX_KEY) return undefined;
    const part = primitiveText(value);
    if (part === undefined) return undefined;
    text = index === 0 ? part : `${text},${part}`;
  }
  return text;
}
