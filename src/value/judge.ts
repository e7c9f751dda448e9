// Which kind an object is of, and words for what is of none.
import { types } from "node:util";

import { BINARIES } from "./binary.js";
import { BUILT_INS } from "./built-in.js";
import { BARE, errorKind, ERRORS, LIST, RECORD } from "./container.js";
import type { Kind } from "./kind.js";

const BY_NAME: ReadonlyMap<string, Kind> = new Map([
  ...Object.entries(BUILT_INS),
  ...Object.entries(BINARIES),
  ...Array.from(ERRORS, ([name, maker]): [string, Kind] => [name, errorKind(maker)]),
]);

const BY_PROTOTYPE: ReadonlyMap<object, Kind> = new Map(
  Array.from(BY_NAME, ([name, kind]) => [
    (Reflect.get(globalThis, name) as { prototype: object }).prototype,
    kind,
  ]),
);

/** The kind of an object; `undefined` when it cannot be carried. It must not be a Proxy. */
export function kindOf(value: object): Kind | undefined {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (Array.isArray(value)) return isListPrototype(prototype) ? LIST : undefined;
  if (prototype === Object.prototype) return RECORD;
  if (prototype === null) return BARE;
  const kind = BY_PROTOTYPE.get(prototype) ?? strangeKind(prototype);
  return kind?.is(value) === true ? kind : undefined;
}

/** What an object of no kind is, in words for a message. */
export function describe(value: object): string {
  if (types.isPromise(value)) return "a promise";
  const prototype = Object.getPrototypeOf(value) as object | null;
  const name = prototype === null ? undefined : nameOf(makerOf(prototype));
  return name === undefined ? "an object with a prototype of its own" : `an instance of ${name}`;
}

/** The kind of objects of another realm, and of the dates of fake timers. */
function strangeKind(prototype: object): Kind | undefined {
  if (prototype === Date.prototype) return BUILT_INS["Date"];
  const maker = makerOf(prototype);
  const name = nameOf(maker);
  if (maker === undefined || name === undefined || !isNative(maker)) return undefined;
  if (name === "Object") return Object.getPrototypeOf(prototype) === null ? RECORD : undefined;
  return BY_NAME.get(name);
}

function isListPrototype(prototype: object | null): boolean {
  if (prototype === Array.prototype) return true;
  return prototype !== null && !types.isProxy(prototype) && Array.isArray(prototype);
}

/** The class that a prototype belongs to, found without running a getter. */
function makerOf(prototype: object): object | undefined {
  if (types.isProxy(prototype)) return undefined;
  const maker = ownValue(prototype, "constructor");
  return typeof maker === "function" && !types.isProxy(maker) ? maker : undefined;
}

function nameOf(maker: object | undefined): string | undefined {
  const name = maker === undefined ? undefined : ownValue(maker, "name");
  return typeof name === "string" && name !== "" ? name : undefined;
}

function isNative(maker: object): boolean {
  return Function.prototype.toString.call(maker).endsWith("{ [native code] }");
}

function ownValue(holder: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(holder, name)?.value as unknown;
}
