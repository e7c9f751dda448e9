// Reads Cache-Control and the fields targeted at caches: syntax alone, in the stricter way.
import { parseDictionary, Token, type Dictionary } from "structured-headers";
import { fieldNames, FieldReader, fieldText, listMembers, type Fields } from "./fields.js";

/** The arguments of each directive by its lower-case name; `undefined` stands for none. */
export type Directives = ReadonlyMap<string, readonly (string | undefined)[]>;

/** The directives that hold for a response, and whether they came from a targeted field. */
export interface Controls {
  readonly directives: Directives;
  readonly targeted: boolean;
}

/** What cannot be read is a result of its own: nobody knows what it forbade. */
export type Unparsable = "unparsable";

const NAME = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const ARGUMENT =
  /=(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)|"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*)")/y;
const DIGITS = /^\d+$/;

/** RFC 9111, section 1.2.2: what is larger is as good as this. */
const MOST_SECONDS = 2_147_483_648;

/** An argument of a type that no directive has. */
const WRONG_TYPE = "()";

/** Reads the text of a `Cache-Control` field. */
export function parseCacheControl(text: string): Directives | Unparsable {
  const directives = new Map<string, (string | undefined)[]>();
  const reader = new FieldReader(text);
  while (!reader.done) {
    const name = reader.element(NAME)?.[0];
    const argument = name === undefined ? undefined : reader.take(ARGUMENT);
    if (!reader.endOfElement()) return "unparsable";
    if (name !== undefined) add(directives, name.toLowerCase(), argumentText(argument));
  }
  return directives;
}

function argumentText(match: RegExpExecArray | undefined): string | undefined {
  return match === undefined ? undefined : (match[1] ?? match[2]!.replace(/\\(.)/g, "$1"));
}

function add(
  directives: Map<string, (string | undefined)[]>,
  name: string,
  argument: string | undefined,
): void {
  const before = directives.get(name);
  if (before === undefined) directives.set(name, [argument]);
  else before.push(argument);
}

/**
 * Reads a field targeted at caches, which is a structured field (RFC 9213, section 2.1);
 * `undefined` when it is empty or malformed, and so counts as absent.
 */
export function parseTargeted(text: string): Directives | undefined {
  const members = dictionary(text);
  if (members === undefined || members.size === 0) return undefined;
  const directives = new Map<string, readonly (string | undefined)[]>();
  for (const [name, [value]] of members) {
    if (value !== false) directives.set(name, [bareText(value)]);
  }
  return directives;
}

function dictionary(text: string): Dictionary | undefined {
  try {
    return parseDictionary(text);
  } catch {
    return undefined;
  }
}

function bareText(value: unknown): string | undefined {
  if (value === true) return undefined;
  if (typeof value === "string" || typeof value === "number") return String(value);
  return value instanceof Token ? value.toString() : WRONG_TYPE;
}

/** What holds for a response: the first targeted field that is there, else `Cache-Control`. */
export function readControls(fields: Fields, targets: readonly string[]): Controls | Unparsable {
  for (const target of targets) {
    const directives = parseTargeted(fieldText(fields, target) ?? "");
    if (directives !== undefined) return { directives, targeted: true };
  }
  const text = fieldText(fields, "cache-control") ?? pragma(fields);
  const directives = parseCacheControl(text);
  return directives === "unparsable" ? directives : { directives, targeted: false };
}

/** `Pragma: no-cache` counts where `Cache-Control` is absent (RFC 9111, section 5.4). */
export function pragma(fields: Fields): string {
  const members = listMembers((fieldText(fields, "pragma") ?? "").toLowerCase());
  return members.includes("no-cache") ? "no-cache" : "";
}

/**
 * The seconds of a directive: `undefined` when it is absent, the least of several, and none at all
 * when one of them is malformed.
 */
export function seconds(directives: Directives, name: string): number | undefined {
  const given = directives.get(name);
  return given === undefined ? undefined : Math.min(...given.map(deltaSeconds));
}

function deltaSeconds(argument: string | undefined): number {
  if (argument === undefined || !DIGITS.test(argument)) return 0;
  return Math.min(Number(argument), MOST_SECONDS);
}

/** Whether a directive that allows something is there; with an argument it allows nothing. */
export function allows(directives: Directives, name: string): boolean {
  const given = directives.get(name);
  return given !== undefined && given.every((argument) => argument === undefined);
}

/**
 * Whom `private` or `no-cache` concerns: the whole response, the fields named, or nothing. Once
 * without names is the whole response, and so are names that cannot be names.
 */
export function concerned(
  directives: Directives,
  name: "private" | "no-cache",
): "all" | readonly string[] {
  const given = directives.get(name) ?? [];
  const named = given.map((argument) => fieldNames(argument ?? ""));
  const clear = named.every((names) => names !== undefined && names.length > 0);
  return clear ? (named as readonly (readonly string[])[]).flat() : "all";
}
