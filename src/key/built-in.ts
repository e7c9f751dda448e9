// JavaScript's own objects as text, told from objects that have a class of the application's.
import { types } from "node:util";

import { isUrl } from "../value/built-in.js";
import { quote } from "./hash.js";

/** Encodes what a container holds, and keeps the text of a list of arguments within bounds. */
export interface Members {
  /** The value at a place of the innermost container. */
  member(value: unknown, place: number): string;
  /** What `members` gives, which encodes the members of `container`, at most `size` of them. */
  within(container: object, size: number, members: () => string): string;
  /** Counts text of some length, before it is made. */
  measure(length: number): void;
}

/** A kind of built-in object. */
export interface BuiltIn {
  readonly is: (value: unknown) => boolean;
  /** How many properties of its own such an object has when nobody has added any. */
  readonly own: number;
  readonly spell: (value: object, members: Members) => string;
}

const TYPED_ARRAYS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  Buffer,
];
const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype) as object;

// The properties of a typed array are its elements, too many to look for others among them.
const typed = kind(types.isTypedArray, Infinity, spellTyped);

const DATE = kind(types.isDate, 0, (date) => `Date(${date.getTime()})`);
const FAKE_DATE: BuiltIn = { ...DATE, own: 1 };

const BUILT_IN: ReadonlyMap<object, BuiltIn> = new Map([
  [Date.prototype, DATE],
  [RegExp.prototype, kind(types.isRegExp, 1, spellPattern)],
  [URL.prototype, kind(isUrl, 0, spellUrl)],
  [Map.prototype, kind(types.isMap, 0, spellMap)],
  [Set.prototype, kind(types.isSet, 0, spellSet)],
  [ArrayBuffer.prototype, kind(types.isArrayBuffer, 0, spellBuffer)],
  [DataView.prototype, kind(types.isDataView, 0, spellData)],
  ...TYPED_ARRAYS.map((maker): [object, BuiltIn] => [maker.prototype, typed]),
]);

/** The kind of a built-in object; `undefined` for subclasses and everything else. */
export function builtIn(value: object, prototype: object): BuiltIn | undefined {
  const found = BUILT_IN.get(prototype);
  if (found !== undefined) return found.is(value) ? found : undefined;
  return types.isDate(value) && isFakeDate(value, prototype) ? FAKE_DATE : undefined;
}

// The dates of a fake clock belong to a subclass that adds nothing but "constructor".
function isFakeDate(value: object, prototype: object): boolean {
  if (types.isProxy(prototype) || !hasOnlyConstructor(prototype)) return false;
  const native = BUILT_IN.get(Object.getPrototypeOf(prototype) as object);
  return native === DATE && hasOnlyConstructor(value);
}

function hasOnlyConstructor(object: object): boolean {
  return Object.hasOwn(object, "constructor") && Reflect.ownKeys(object).length === 1;
}

/** Whether objects with this prototype are plain ones, those of another realm included. */
export function isPlain(prototype: object | null): boolean {
  if (prototype === null || prototype === Object.prototype) return true;
  if (types.isProxy(prototype) || Object.getPrototypeOf(prototype) !== null) return false;
  return Object.hasOwn(prototype, "isPrototypeOf");
}

/** Whether lists with this prototype are plain ones, those of another realm included. */
export function isPlainList(prototype: object | null): boolean {
  if (prototype === Array.prototype) return true;
  if (types.isProxy(prototype) || !Array.isArray(prototype)) return false;
  return isPlain(Object.getPrototypeOf(prototype) as object | null);
}

function kind<T extends object>(
  is: (value: unknown) => value is T,
  own: number,
  spell: (value: T, members: Members) => string,
): BuiltIn {
  return { is, own, spell: spell as BuiltIn["spell"] };
}

function spellUrl({ href }: URL, members: Members): string {
  members.measure(href.length);
  return `URL(${quote(href)})`;
}

function spellPattern(pattern: RegExp, members: Members): string {
  members.measure(pattern.source.length);
  return `RegExp(${quote(pattern.source)},"${pattern.flags}")`;
}

function spellMap(map: ReadonlyMap<unknown, unknown>, members: Members): string {
  const pair = ([key, value]: readonly [unknown, unknown], index: number): string =>
    `${members.member(key, 2 * index)}=>${members.member(value, 2 * index + 1)}`;
  return members.within(map, 2 * map.size, () => `Map{${sorted(Array.from(map, pair))}}`);
}

function spellSet(set: ReadonlySet<unknown>, members: Members): string {
  const member = (value: unknown, index: number): string => members.member(value, index);
  return members.within(set, set.size, () => `Set{${sorted(Array.from(set, member))}}`);
}

function sorted(texts: readonly string[]): string {
  return texts.toSorted().join(",");
}

function spellBuffer(buffer: ArrayBuffer, members: Members): string {
  return `ArrayBuffer(${bytes(members, buffer)})`;
}

function spellData(data: DataView, members: Members): string {
  return `DataView(${bytes(members, data.buffer, data)})`;
}

function spellTyped(view: NodeJS.TypedArray, members: Members): string {
  const buffer = Reflect.get(TYPED_ARRAY, "buffer", view) as ArrayBufferLike;
  return `${String(Reflect.get(TYPED_ARRAY, Symbol.toStringTag, view))}(${bytes(members, buffer, view)})`;
}

/** The bytes of a view of a buffer, none where the buffer was transferred. */
function bytes(members: Members, buffer: ArrayBufferLike, view?: ArrayBufferView): string {
  if (buffer.byteLength === 0) return "";
  const { byteOffset, byteLength } = view ?? { byteOffset: 0, byteLength: buffer.byteLength };
  members.measure(byteLength);
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64url");
}
