// What stands for an object that has a class: its own id, or an id of this process.
import { Stream } from "node:stream";
import { types } from "node:util";

import { ArgumentKeyError, show } from "../errors.js";
import { isPlain } from "./built-in.js";
import { nameText, primitiveText, randomMark } from "./hash.js";

/**
 * The name of a method that says which object this is. It returns text, a finite number or a
 * bigint, the same for all objects of the class that may share cached results:
 *
 * ```ts
 * class User {
 *   [cachingId]() { return this.id; }
 * }
 * ```
 */
export const cachingId: unique symbol = Symbol.for("koa-caching.id");

const PROCESS = randomMark();
const ids = new WeakMap<object, string>();
let lastId = 0;

const FLEETING =
  /^(?:Promise|Weak\w+|FinalizationRegistry|(?:Async)?Generator|.+ (?:Iterator|Helper)|\w+Stream|SharedArrayBuffer)$/;

/**
 * The text that stands for an object in a key: class name and `[cachingId]()` where there is one,
 * else an id that is never given again and means nothing to another process.
 *
 * @param where Names the object in an error's message.
 * @throws {ArgumentKeyError} when `[cachingId]` is no method or returns something else.
 */
export function identify(instance: object, where: () => string = receiver): string {
  const known = ids.get(instance);
  return known === undefined ? (ownId(instance, where) ?? `<${idOf(instance)}>`) : `<${known}>`;
}

/** What an object is that neither its content nor its identity can stand for in a key. */
export function unkeyable(instance: object): string | undefined {
  const line = lineage(instance);
  if (lookup(line, cachingId) !== undefined) return undefined;
  if (types.isBoxedPrimitive(instance)) return "a boxed primitive";
  if (line.includes(Stream.prototype)) return "a stream";
  if (typeof lookup(line, "then")?.value === "function") return "a promise";
  const tag = line.map(ownTag).find((name) => FLEETING.test(name));
  return tag === undefined ? undefined : `of the kind ${tag}`;
}

function receiver(): string {
  return "this";
}

function ownId(instance: object, where: () => string): string | undefined {
  const line = lineage(instance);
  const method = lookup(line, cachingId);
  if (method === undefined) return undefined;
  if (typeof method.value !== "function") {
    throw new ArgumentKeyError(
      `${where()} has a [cachingId] that is not a method; write [cachingId]() { return … }.`,
    );
  }
  const id: unknown = Reflect.apply(method.value, instance, []);
  return `<${className(line)} ${idText(id, where)}>`;
}

function idText(id: unknown, where: () => string): string {
  if (typeof id === "string" || typeof id === "bigint" || Number.isFinite(id)) {
    return primitiveText(id) as string;
  }
  throw new ArgumentKeyError(
    `[cachingId]() of ${where()} must return text, a finite number or a bigint; got ${show(id)}.`,
  );
}

// A class without a name is told by its identity, so that two of them never meet.
function className([instance, ...line]: readonly object[]): string {
  const prototype = Object.getPrototypeOf(instance) as object | null;
  if (prototype === null || isPlain(prototype)) return '""';
  const home = line.find(isHome);
  const maker = home === undefined ? undefined : ownValue(home, "constructor");
  const name = typeof maker === "function" && !types.isProxy(maker) && ownValue(maker, "name");
  return typeof name === "string" && name !== "" ? nameText(name) : idOf(prototype);
}

/** Whether a prototype names its class; Object.prototype names none. */
function isHome(level: object): boolean {
  return Object.hasOwn(level, "constructor") && Object.getPrototypeOf(level) !== null;
}

function idOf(object: object): string {
  const known = ids.get(object);
  if (known !== undefined) return known;
  lastId += 1;
  const id = `~${PROCESS}.${lastId}`;
  ids.set(object, id);
  return id;
}

/** The object and its prototypes, up to the first Proxy, whose traps must not run. */
function lineage(instance: object): object[] {
  const line: object[] = [];
  let level: object | null = instance;
  while (level !== null && !types.isProxy(level)) {
    line.push(level);
    level = Object.getPrototypeOf(level) as object | null;
  }
  return line;
}

function lookup(line: readonly object[], key: PropertyKey): PropertyDescriptor | undefined {
  const home = line.find((level) => Object.hasOwn(level, key));
  return home && Object.getOwnPropertyDescriptor(home, key);
}

function ownTag(level: object): string {
  const tag = ownValue(level, Symbol.toStringTag);
  return typeof tag === "string" ? tag : "";
}

function ownValue(object: object, key: PropertyKey): unknown {
  return Object.getOwnPropertyDescriptor(object, key)?.value as unknown;
}
