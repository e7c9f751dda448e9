// Values of every kind that can be carried, made from recipes, so that equal twins can be had.
import * as fc from "fast-check";

type Recipe = readonly Node[];

interface Node {
  readonly kind: keyof typeof SHELLS;
  readonly members: readonly Member[];
  readonly seed: number;
}

interface Member {
  readonly name: string;
  readonly primitive: unknown;
  /** A node of the recipe instead of the primitive. */
  readonly node: number | undefined;
}

const ERRORS = [Error, RangeError, TypeError, SyntaxError, URIError, EvalError, ReferenceError];
const VIEWS: readonly (new (bytes: ArrayBuffer) => object)[] = [
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
  DataView,
];
const FLAGS = ["", "g", "i", "gimsuy", "d"];

function bytes(seed: number): ArrayBuffer {
  return Uint8Array.from({ length: 16 }, (_, index) => (seed * 31 + index * 7) % 256).buffer;
}

/** Objects without their members. */
const SHELLS = {
  record: (): object => ({}),
  bare: (): object => Object.create(null) as object,
  list: (): object => [],
  map: (): object => new Map(),
  set: (): object => new Set(),
  error: (seed: number): object =>
    Object.defineProperty(new ERRORS[seed % ERRORS.length]!(`message ${seed}`), "stack", {
      value: `stack ${seed}`,
    }),
  date: (seed: number): object => new Date(seed % 5 === 0 ? NaN : seed * 1e9),
  pattern: (seed: number): object => new RegExp(`a/${seed}`, FLAGS[seed % FLAGS.length]),
  url: (seed: number): object => new URL(`https://example.com/${seed}?q=${seed}#x`),
  buffer: (seed: number): object => Buffer.from("bytes".repeat(seed % 4)),
  bytes: (seed: number): object => bytes(seed),
  view: (seed: number): object => new VIEWS[seed % VIEWS.length]!(bytes(seed)),
  part: (seed: number): object => new Uint8Array(bytes(seed), 3, seed % 8),
  box: (seed: number): object => Object([seed, `${seed}`, seed % 2 === 0, 5n][seed % 4]) as object,
};

/** Builds a value from its recipe, every time an equal one. */
export function build(recipe: Recipe): unknown {
  const objects = recipe.map(({ kind, seed }) => SHELLS[kind](seed));
  recipe.forEach(({ members }, index) => {
    for (const { name, primitive, node } of members) {
      add(objects[index]!, name, node === undefined ? primitive : objects[node % objects.length]);
    }
  });
  return objects[0];
}

function add(object: object, name: string, value: unknown): void {
  if (object instanceof Map) object.set(value, name).set(name, value);
  else if (object instanceof Set) object.add(value);
  else if (Array.isArray(object)) addToList(object, name, value);
  else if (isOpen(object)) define(object, name, value);
}

/** Short names add an item, longer ones a hole before it, the longest a property of the list. */
function addToList(list: unknown[], name: string, value: unknown): void {
  if (name.length > 3 && name !== "length") return define(list, name, value);
  if (name.length === 3) list.length += 1;
  list.push(value);
}

function isOpen(object: object): boolean {
  const prototype = Object.getPrototypeOf(object) as object | null;
  return prototype === null || prototype === Object.prototype || object instanceof Error;
}

function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 }), { maxLength: 4 }).map(fromUnits),
);

function fromUnits(units: readonly number[]): string {
  return String.fromCharCode(...units);
}

const jsonPrimitive = fc.oneof(
  text,
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
  fc.boolean(),
  fc.constant(null),
);

/** Anything that is not an object. */
export const primitives: fc.Arbitrary<unknown> = fc.oneof(
  jsonPrimitive,
  fc.double(),
  fc.constantFrom(undefined, NaN, -0, Infinity, -Infinity),
  fc.bigInt(),
);

const names = fc.oneof(
  fc.string({ maxLength: 5 }),
  fc.constantFrom(
    "__proto__",
    "constructor",
    "toString",
    "length",
    "0",
    "-1",
    "1.50",
    "0070",
    "70000",
    "4294967295",
    "then",
    "toJSON",
  ),
);

function member(primitive: fc.Arbitrary<unknown>, maxNode: number): fc.Arbitrary<Member> {
  const node = fc.option(fc.integer({ min: 0, max: maxNode }), { nil: undefined });
  return fc.record({ name: names, primitive, node });
}

/** Recipes of values of every kind, cycles and shared references among them. */
export const recipes: fc.Arbitrary<Recipe> = fc.array(
  fc.record({
    kind: fc.constantFrom(...(Object.keys(SHELLS) as (keyof typeof SHELLS)[])),
    members: fc.array(member(primitives, 5), { maxLength: 4 }),
    seed: fc.nat(100),
  }),
  { minLength: 1, maxLength: 6 },
);

/** What JSON carries without loss. */
export const jsonValues: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    jsonPrimitive,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 3 }), tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;
