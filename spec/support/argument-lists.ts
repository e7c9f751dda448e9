// Random argument lists.
import { cachingId } from "../../src/key/identity.js";

/** A number from 0 up to below the bound. */
export type Random = (bound: number) => number;

/** A small generator of random numbers that a seed repeats (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

interface Owned {
  readonly id: unknown;
}

/** A class whose objects have an id of their own. */
export const Point: new (id: unknown) => Owned = class Point {
  readonly id: unknown;

  constructor(id: unknown) {
    this.id = id;
  }

  [cachingId](): unknown {
    return this.id;
  }
};

export const Place: new (id: unknown) => Owned = class Place extends Point {};

class Session {
  readonly open = true;
}

export const SESSIONS: readonly object[] = [new Session(), new Session(), new Session()];
const NUMBERS = [0, -0, 1, 2, 12, 1e21, 0.1, Number.NaN, Infinity, -Infinity, -1];
const BIGINTS = [0n, 1n, 12n, -1n, 2n ** 64n, 2n ** 64n + 1n];
const TEXTS = [
  ["", "1", "12", "a", "b", "a,b", 'a"', "a\\", '","', "]", "}", "null", "undefined", "true"],
  ["1n", "-0", "[1]", "{}", "{a:1}", "Date(0)", "=>", "\n", "\0", "\ud83d\ude00", "\ud83d"],
  ["\ude00", "\ufffd", "\\ud83d", "<Point 1>", "__proto__", "x".repeat(201), "é", "e\u0301"],
].flat();
export const NAMES: readonly string[] = [
  "a",
  "b",
  "c",
  "a b",
  "a:1",
  "1",
  "",
  "__proto__",
  "constructor",
  "toString",
  "\ud83d",
];

/** Up to three random arguments. */
export function randomList(random: Random): unknown[] {
  return times(random(4), () => randomValue(random, 0));
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

export function pick<T>(random: Random, values: readonly T[]): T {
  return values[random(values.length)] as T;
}

function randomValue(random: Random, depth: number): unknown {
  return depth < 3 && random(2) === 0 ? randomContainer(random, depth + 1) : randomLeaf(random);
}

function randomContainer(random: Random, depth: number): unknown {
  const value = (): unknown => randomValue(random, depth);
  const size = random(4);
  const kind = random(7);
  if (kind < 3) return times(size, value);
  if (kind < 5) return record(times(size, () => [pick(random, NAMES), value()]));
  return kind === 5 ? new Map(times(size, () => [value(), value()])) : new Set(times(size, value));
}

/** A plain object; unlike with assignment, "__proto__" is a name like any other. */
export function record(entries: readonly (readonly [string, unknown])[], prototype?: null): object {
  const made = Object.create(prototype === null ? null : Object.prototype) as object;
  for (const [name, value] of entries) {
    Object.defineProperty(made, name, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return made;
}

export function randomLeaf(random: Random): unknown {
  const leaves: (() => unknown)[] = [
    () => pick(random, NUMBERS),
    () => pick(random, NUMBERS),
    () => pick(random, TEXTS),
    () => pick(random, TEXTS),
    () => pick(random, TEXTS) + pick(random, TEXTS),
    () => pick(random, BIGINTS),
    () => pick(random, [true, false, null, undefined]),
    () => new Date(pick(random, [0, 1, Number.NaN])),
    () => new RegExp(pick(random, ["a", "b", '"', ","]), pick(random, ["", "g", "gi"])),
    () => new URL(pick(random, ["http://a/", "http://b/", "http://a/?", "a:b,c"])),
    () => randomBytes(random),
    () => new (pick(random, [Point, Place]))(pick(random, [1, "1", 1n, 0, -0, "a 1>"])),
    () => ({ [cachingId]: () => 1 }),
    () => pick(random, SESSIONS),
  ];
  return pick(random, leaves)();
}

function randomBytes(random: Random): unknown {
  const bytes = new Uint8Array(times(random(3) * 4, () => random(2)));
  const { buffer } = bytes;
  return pick(random, [
    () => bytes,
    () => Buffer.from(bytes),
    () => new Int8Array(buffer),
    () => new Float32Array(buffer),
    () => new DataView(buffer),
    () => buffer,
  ])();
}
