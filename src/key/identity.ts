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
const admitted = new WeakSet();
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

/** Whether what `identify()` gave means nothing to another process. */
export function isOfThisProcess(identity: string): boolean {
  return identity.startsWith(`<~${PROCESS}.`);
}

/** What an object is that neither its content nor its identity can stand for in a key. */
export function unkeyable(instance: object): string | undefined {
  if (admitted.has(instance) || find(instance, cachingId) !== undefined) return undefined;
  const found = fleeting(instance);
  if (found === undefined) admitted.add(instance);
  return found;
}

function fleeting(instance: object): string | undefined {
  if (types.isBoxedPrimitive(instance)) return "a boxed primitive";
  if (typeof find(instance, "then")?.value === "function") return "a promise";
  for (let level = visible(instance); level !== null; level = above(level)) {
    if (level === Stream.prototype) return "a stream";
    const tag = ownValue(level, Symbol.toStringTag);
    if (typeof tag === "string" && FLEETING.test(tag)) return `of the kind ${tag}`;
  }
  return undefined;
}

function receiver(): string {
  return "this";
}

function ownId(instance: object, where: () => string): string | undefined {
  const method = find(instance, cachingId);
  if (method === undefined) return undefined;
  if (typeof method.value !== "function") {
    throw new ArgumentKeyError(
      `${where()} has a [cachingId] that is not a method; write [cachingId]() { return … }.`,
    );
  }
  const id: unknown = Reflect.apply(method.value, instance, []);
  return `<${className(instance)} ${idText(id, where)}>`;
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
function className(instance: object): string {
  const prototype = Object.getPrototypeOf(instance) as object | null;
  if (prototype === null || isPlain(prototype)) return '""';
  const home = holderOf(prototype, "constructor");
  const name = home !== undefined && above(home) !== null ? nameOf(home) : undefined;
  return typeof name === "string" && name !== "" ? nameText(name) : idOf(prototype);
}

/** The name of the class that a prototype belongs to. */
function nameOf(home: object): unknown {
  const maker = ownValue(home, "constructor");
  return typeof maker === "function" && !types.isProxy(maker) ? ownValue(maker, "name") : undefined;
}

function idOf(object: object): string {
  const known = ids.get(object);
  if (known !== undefined) return known;
  lastId += 1;
  const id = `~${PROCESS}.${lastId}`;
  ids.set(object, id);
  return id;
}

function find(instance: object, key: PropertyKey): PropertyDescriptor | undefined {
  const holder = holderOf(instance, key);
  return holder && Object.getOwnPropertyDescriptor(holder, key);
}

function holderOf(instance: object, key: PropertyKey): object | undefined {
  for (let level = visible(instance); level !== null; level = above(level)) {
    if (Object.hasOwn(level, key)) return level;
  }
  return undefined;
}

function above(level: object): object | null {
  return visible(Object.getPrototypeOf(level) as object | null);
}

// No trap of a Proxy may run, so nothing is seen in one or above it.
function visible(level: object | null): object | null {
  return level === null || types.isProxy(level) ? null : level;
}

function ownValue(object: object, key: PropertyKey): unknown {
  return Object.getOwnPropertyDescriptor(object, key)?.value as unknown;
}
