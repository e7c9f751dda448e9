// The language's own objects that hold no bytes: dates, patterns, Maps, Sets, URLs, boxed primitives.
import { types } from "node:util";

import { makeKind, type Kind, type Members } from "./kind.js";

const WORD = 8;

const DATE = makeKind<Date>({
  is: types.isDate,
  // Those of fake timers have a hidden one.
  names: Object.keys,
  bytes: () => WORD,
  shell: (date) => new Date(Date.prototype.getTime.call(date)),
});

const PATTERN = makeKind<RegExp>({
  is: types.isRegExp,
  names: (pattern) => Object.getOwnPropertyNames(pattern).filter((name) => name !== "lastIndex"),
  bytes: (pattern) => 2 * pattern.source.length,
  shell: (pattern) => new RegExp(pattern.source, pattern.flags),
});

const MAP = makeKind<Map<unknown, unknown>>({
  is: types.isMap,
  bytes: (map) => 4 * WORD * map.size,
  shell: () => new Map(),
  fill: fillMap,
});

const SET = makeKind<Set<unknown>>({
  is: types.isSet,
  bytes: (set) => 3 * WORD * set.size,
  shell: () => new Set(),
  fill: fillSet,
});

const ADDRESS = makeKind<URL>({
  is: isUrl,
  bytes: (url) => 256 + 2 * url.href.length,
  shell: (url) => new URL(url.href),
});

/** Kinds by the name of their class. */
export const BUILT_INS: Readonly<Record<string, Kind>> = {
  Date: DATE,
  RegExp: PATTERN,
  Map: MAP,
  Set: SET,
  URL: ADDRESS,
  Number: boxed(types.isNumberObject, (box) => Number.prototype.valueOf.call(box)),
  Boolean: boxed(types.isBooleanObject, (box) => Boolean.prototype.valueOf.call(box)),
  BigInt: boxed(types.isBigIntObject, (box) => BigInt.prototype.valueOf.call(box)),
  String: boxed(types.isStringObject, (box) => String.prototype.valueOf.call(box)),
};

function boxed(is: Kind["is"], unbox: (box: object) => unknown): Kind {
  const copy = (box: object): object => Object(unbox(box)) as object;
  return makeKind({
    is,
    names: (box) => {
      // The characters of a boxed text are properties of the box.
      const bare = copy(box);
      return Object.getOwnPropertyNames(box).filter((name) => !Object.hasOwn(bare, name));
    },
    bytes: (box) => 2 * String(unbox(box)).length,
    shell: copy,
  });
}

// The methods of the prototype, because a Map of another realm has others.
function fillMap(copy: Map<unknown, unknown>, map: object, members: Members): void {
  Map.prototype.forEach.call(map, (value, key) => {
    const place = 2 * copy.size;
    copy.set(members.member(key, place), members.member(value, place + 1));
  });
}

function fillSet(copy: Set<unknown>, set: object, members: Members): void {
  Set.prototype.forEach.call(set, (value) => copy.add(members.member(value, copy.size)));
}

/** Whether a value truly is a URL, whatever its prototype says. */
export function isUrl(value: unknown): value is URL {
  try {
    return typeof Reflect.get(URL.prototype, "href", value) === "string";
  } catch {
    return false;
  }
}
