// Values that JSON cannot carry, as text: devalue's format, with what devalue lacks packed into lists.
import { types } from "node:util";

import { parse, stringify } from "devalue";

import { show } from "../errors.js";
import { bareError, emptyList, ERRORS, isIndex } from "./container.js";
import { kindOf } from "./judge.js";
import { put } from "./kind.js";

/**
 * What devalue does not know, or would lose: `["Buffer", base64]`, or an object with its properties:
 * `["Record", undefined, name, value, enumerable, name, …]`, `["Bare", …]`, `["List", length, …]`,
 * `["TypeError", …]`.
 */
type Packed = readonly [kind: string, detail: unknown, ...properties: unknown[]];

/** The text of a snapshot's value, which holds nothing but what can be carried. */
export function richText(value: unknown): string {
  return stringify(value, { Packed: pack });
}

/**
 * The value of a text.
 *
 * @throws for text that `richText` cannot have written, as far as that shows.
 */
export function readRichText(text: string): unknown {
  const unpacker = new Unpacker();
  const value: unknown = parse(text, { Packed: (packed: unknown) => unpacker.unpack(packed) });
  unpacker.finish();
  return value;
}

function pack(value: unknown): Packed | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (Buffer.isBuffer(value)) return ["Buffer", value.toString("base64")];
  const kind = packedKind(value);
  if (kind === undefined) return undefined;
  const length = Array.isArray(value) ? value.length : undefined;
  const names = kindOf(value)!.names(value);
  return [kind, length, ...names.flatMap((name) => property(value, name))];
}

function packedKind(value: object): string | undefined {
  if (Array.isArray(value)) return hasName(value) ? "List" : undefined;
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (types.isNativeError(value)) return prototype!.constructor.name;
  if (!Object.hasOwn(value, "__proto__")) return undefined;
  return prototype === null ? "Bare" : "Record";
}

function property(value: object, name: string): readonly unknown[] {
  const { enumerable } = Object.getOwnPropertyDescriptor(value, name)!;
  return [name, value[name as never], enumerable];
}

/** Whether a list has properties besides its items, which come after them. */
function hasName(list: readonly unknown[]): boolean {
  const last = Object.keys(list).at(-1);
  return last !== undefined && !isIndex(last);
}

/** Makes objects of what was packed; they get their properties when all have been made. */
class Unpacker {
  readonly #made = new Map<unknown, object>();

  /** May be asked twice for one object, the first time with properties still missing. */
  unpack(packed: unknown): object {
    const made = this.#made.get(packed) ?? make(packed);
    this.#made.set(packed, made);
    return made;
  }

  finish(): void {
    for (const [packed, made] of this.#made) addProperties(made, packed as Packed);
  }
}

function make(packed: unknown): object {
  const [kind, detail] = Array.isArray(packed) ? (packed as unknown as Packed) : [];
  if (kind === "Buffer" && typeof detail === "string") return Buffer.from(detail, "base64");
  if (kind === "Record") return {};
  if (kind === "Bare") return Object.create(null) as object;
  if (kind === "List") return emptyList(detail as number, 0);
  const maker = typeof kind === "string" ? ERRORS.get(kind) : undefined;
  if (maker !== undefined) return bareError(maker);
  throw new SyntaxError(`Expected a known kind of object, got ${show(kind)} with ${show(detail)}.`);
}

function addProperties(made: object, packed: Packed): void {
  for (let index = 2; index < packed.length; index += 3) {
    const name = packed[index];
    const enumerable = packed[index + 2];
    if (typeof name !== "string" || typeof enumerable !== "boolean") {
      throw new SyntaxError(`Expected the name of a property, got ${show(name)}.`);
    }
    put(made, name, packed[index + 1], enumerable);
  }
}
