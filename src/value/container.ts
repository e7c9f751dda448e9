// Plain objects, lists and errors: their members are properties.
import { types } from "node:util";

import { makeKind, type Kind, type Members, put } from "./kind.js";

type Properties = Record<string, unknown>;

/** How many holes make a list one that must not be given room for all its places. */
const MANY_HOLES = 1000;
const MAX_PLACE = 2 ** 32 - 2;

/** Own properties that an error keeps hidden, yet belong to it. */
const HIDDEN: ReadonlySet<string> = new Set(["message", "cause", "errors"]);

/** Plain objects. */
export const RECORD: Kind = makeKind<Properties>({
  is: (value) => !Array.isArray(value),
  open: true,
  names: Object.keys,
  simple: () => true,
  fault: (record) => (types.isArgumentsObject(record) ? "an arguments object" : undefined),
  shell: (record) => ({ ...record }),
  fill: fillRecord,
});

/** Plain objects without a prototype. */
export const BARE: Kind = makeKind<Properties>({
  is: (value) => !Array.isArray(value),
  open: true,
  names: Object.keys,
  shell: (record) => ({ __proto__: null, ...record }),
  fill: fillRecord,
});

/** Lists; holes stay holes, and properties added to a list stay with it. */
export const LIST: Kind = makeKind<unknown[]>({
  is: Array.isArray,
  open: true,
  names: Object.keys,
  simple: isDense,
  shell: (list, _members, names) =>
    isDense(list, names) ? [] : emptyList(list.length, names.length),
  fill: (copy, list, members, names) => {
    if (isDense(list, names)) fillDense(copy, list, members);
    else fillSparse(copy, list, members, names);
  },
});

/** Errors of the language's own classes, by the name of the class. */
export const ERRORS: ReadonlyMap<string, ErrorConstructor> = new Map(
  [
    Error,
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
    AggregateError as unknown as ErrorConstructor,
  ].map((maker) => [maker.name, maker]),
);

/** Errors made by one class, with their stack, their cause and what was added to them. */
export function errorKind(maker: ErrorConstructor): Kind {
  return makeKind<Error>({
    is: types.isNativeError,
    open: true,
    names: errorNames,
    bytes: () => 128,
    shell: () => bareError(maker),
    fill: (copy, error, members, names) => {
      for (const name of names) {
        put(copy, name, members.member(error[name as never], name), isShown(error, name));
      }
    },
  });
}

/** An error without properties of its own. */
export function bareError(maker: ErrorConstructor): Error {
  const error = Reflect.construct(Error, [], maker);
  for (const name of Object.getOwnPropertyNames(error)) Reflect.deleteProperty(error, name);
  return error;
}

/** A list of holes, into which some members will be put. */
export function emptyList(length: number, members: number): unknown[] {
  const list: unknown[] = [];
  if (length - members > MANY_HOLES) {
    // V8 allots all places of a list at once, unless a far one has been used.
    list[MAX_PLACE] = 0;
    Reflect.deleteProperty(list, MAX_PLACE);
  }
  list.length = length;
  return list;
}

/** The stack comes last: V8 writes it when it is asked for, from a message that may be a getter. */
function errorNames(error: Error): readonly string[] {
  const names = Object.getOwnPropertyNames(error).filter(
    (name) => name !== "stack" && (HIDDEN.has(name) || isShown(error, name)),
  );
  return Object.hasOwn(error, "stack") ? [...names, "stack"] : names;
}

/** Whether a property of a list is one of its items. */
export function isIndex(name: string): boolean {
  const index = Number(name);
  return Number.isInteger(index) && index >= 0 && index <= MAX_PLACE && String(index) === name;
}

function isDense(list: readonly unknown[], names: readonly string[]): boolean {
  const { length } = list;
  return names.length === length && (length === 0 || names[length - 1] === String(length - 1));
}

function isShown(value: object, name: string): boolean {
  return Object.prototype.propertyIsEnumerable.call(value, name);
}

function fillRecord(
  copy: Properties,
  _record: Properties,
  members: Members,
  names: readonly string[],
): void {
  for (const name of names) {
    const value = copy[name];
    const member = members.member(value, name);
    // An own `__proto__` that is there already is set like any other property.
    if (member !== value) copy[name] = member;
  }
}

// No method of the list: a list can have properties that lead its methods astray.
function fillDense(copy: unknown[], list: readonly unknown[], members: Members): void {
  for (let index = 0; index < list.length; index += 1) {
    copy.push(members.member(list[index], index));
  }
}

function fillSparse(
  copy: unknown[],
  list: readonly unknown[],
  members: Members,
  names: readonly string[],
): void {
  for (const name of names) put(copy, name, members.member(list[name as never], name));
}
