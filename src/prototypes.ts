// Who holds a property: looks along an object's prototypes.
import type { AnyFunction } from "./rules.js";

/** The value of a property, its own or inherited, without running a getter. */
export function valueOf(holder: object, name: string | symbol): unknown {
  for (let at: unknown = holder; isObject(at); at = Object.getPrototypeOf(at)) {
    const own = Object.getOwnPropertyDescriptor(at, name);
    if (own !== undefined) return own.value as unknown;
  }
  return undefined;
}

/** The name of the class whose prototype holds the method. */
export function declaringClass(
  instance: object,
  name: string | symbol,
  method: AnyFunction,
): string {
  let holder = "";
  for (let at: unknown = instance; isObject(at); at = Object.getPrototypeOf(at)) {
    const own = Object.getOwnPropertyDescriptor(at, name);
    if (own === undefined || at === instance) continue;
    holder = classNameOf(at);
    if (own.value === method) return holder;
  }
  return holder;
}

function classNameOf(prototype: object): string {
  const maker: unknown = Reflect.get(prototype, "constructor");
  return typeof maker === "function" ? maker.name : "";
}

/** Whether a value can hold properties. */
export function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
