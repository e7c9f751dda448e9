// The strictest equality: types, holes, hidden properties, order, and which references are shared.
import { types } from "node:util";

/** Whether two values cannot be told apart but by identity. */
export function same(left: unknown, right: unknown): boolean {
  return new Comparison().same(left, right);
}

class Comparison {
  readonly #partners = new Map<object, object>();
  readonly #taken = new Set<object>();

  same(left: unknown, right: unknown): boolean {
    if (!isObject(left) || !isObject(right)) return Object.is(left, right);
    const partner = this.#partners.get(left);
    if (partner !== undefined || this.#taken.has(right)) return partner === right;
    this.#partners.set(left, right);
    this.#taken.add(right);
    return this.#sameObjects(left, right);
  }

  #sameObjects(left: object, right: object): boolean {
    return (
      Object.getPrototypeOf(left) === Object.getPrototypeOf(right) &&
      Array.isArray(left) === Array.isArray(right) &&
      types.isNativeError(left) === types.isNativeError(right) &&
      this.#sameLists(inside(left), inside(right)) &&
      this.#sameProperties(left, right)
    );
  }

  #sameProperties(left: object, right: object): boolean {
    if (ArrayBuffer.isView(left)) return true;
    const names = propertyNames(left);
    if (!this.#sameLists(names, propertyNames(right))) return false;
    return names.every((name) => {
      const one = Object.getOwnPropertyDescriptor(left, name);
      const other = Object.getOwnPropertyDescriptor(right, name);
      return one?.enumerable === other?.enumerable && this.same(one?.value, other?.value);
    });
  }

  #sameLists(left: readonly unknown[], right: readonly unknown[]): boolean {
    return (
      left.length === right.length && left.every((value, index) => this.same(value, right[index]))
    );
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** In their order, which only the stack of an error does not keep. */
function propertyNames(value: object): readonly (string | symbol)[] {
  const names = Reflect.ownKeys(value);
  return types.isNativeError(value)
    ? names.filter((name) => name !== "stack").concat("stack")
    : names;
}

/** What an object holds that is no property. */
function inside(value: object): readonly unknown[] {
  if (types.isDate(value)) return [value.getTime()];
  if (types.isRegExp(value)) return [value.source, value.flags];
  if (types.isMap(value)) return [...value].flat();
  if (types.isSet(value)) return [...value];
  if (value instanceof URL) return [value.href];
  if (types.isBoxedPrimitive(value)) return [value.valueOf()];
  if (types.isAnyArrayBuffer(value)) return [...new Uint8Array(value)];
  if (!ArrayBuffer.isView(value)) return [];
  return [...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)];
}
