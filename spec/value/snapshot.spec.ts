// What can be carried, what is refused and how it is named.
import { Readable } from "node:stream";
import vm from "node:vm";

import FakeTimers from "@sinonjs/fake-timers";
import { expect } from "chai";
import * as fc from "fast-check";

import { NotCarriableError } from "../../src/errors.js";
import { encode } from "../../src/value/codec.js";
import { hold } from "../../src/value/copy.js";
import { takeSnapshot } from "../../src/value/snapshot.js";
import { same } from "./same.js";
import { build, recipes } from "./samples.js";

class Money {
  readonly amount = 5;
}

/** The error that both ways of keeping a value end with. */
function refusal(value: unknown): NotCarriableError {
  const errors = [
    (): unknown => hold(value, "copy"),
    (): unknown => hold(value, "freeze"),
    (): unknown => encode(value),
  ].map((keep) => {
    try {
      return keep();
    } catch (error) {
      return error;
    }
  });
  const [first] = errors;
  expect(first).to.be.instanceOf(NotCarriableError);
  for (const error of errors) expect(String(error)).to.equal(String(first));
  return first as NotCarriableError;
}

function trap(): never {
  return expect.fail("the code of a value ran");
}

function bytes(value: unknown): number {
  return takeSnapshot(value).bytes;
}

function argumentsOf(..._values: unknown[]): unknown {
  // oxlint-disable-next-line prefer-rest-params
  return arguments;
}

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

describe("takeSnapshot", () => {
  describe("refuses", () => {
    const refused: readonly (readonly [string, unknown])[] = [
      ["a function", () => 1],
      ["a function", Money],
      ["a symbol", Symbol("s")],
      ["a promise", Promise.resolve(1)],
      ["a Proxy", new Proxy({}, {})],
      ["a Proxy", new Proxy([], {})],
      ["an instance of Money", new Money()],
      ["an instance of Readable", Readable.from([])],
      ["an instance of WeakMap", new WeakMap()],
      ["an instance of WeakSet", new WeakSet()],
      ["an instance of WeakRef", new WeakRef({})],
      ["an instance of URLSearchParams", new URLSearchParams("a=1")],
      ["an instance of SharedArrayBuffer", new SharedArrayBuffer(1)],
      ["a view of shared memory", new Uint8Array(new SharedArrayBuffer(1))],
      ["an object with symbol-keyed properties", { [Symbol("s")]: 1 }],
      ["an object with a prototype of its own", Object.create({ a: 1 })],
      ["an arguments object", argumentsOf(1, 2)],
    ];
    for (const [words, value] of refused) {
      it(`${words}, whichever way the value is kept`, () => {
        expect(refusal({ items: [value] }).message).to.match(
          new RegExp(`^value\\.items\\[0\\] is ${words}, which cannot be cached`),
        );
      });
    }

    const derived: readonly object[] = [
      new (class extends Array {})(),
      new (class extends Map {})(),
      new (class extends Set {})(),
      new (class extends Date {})(),
      new (class extends RegExp {})("a"),
      new (class extends Error {})(),
      new (class extends URL {})("a:b"),
      new (class extends Uint8Array {})(1),
      new (class extends Number {})(1),
      new (class Date extends globalThis.Date {})(),
    ];
    for (const value of derived) {
      const base = Object.getPrototypeOf(Object.getPrototypeOf(value)) as object;
      it(`an instance of a class that extends ${base.constructor.name}`, () => {
        expect(refusal({ value }).path).to.equal("value.value");
      });
    }

    it("an object whose prototype merely claims to be a built-in one", () => {
      for (const Maker of [Date, Map, Set, RegExp, URL, Error, Uint8Array, Array, ArrayBuffer]) {
        refusal(Object.create(Maker.prototype as object));
      }
      refusal(Object.create({ constructor: Object }));
      refusal(Object.setPrototypeOf([], null));
      refusal(Object.setPrototypeOf([], Object.prototype));
    });

    it("getters and setters, without running them", () => {
      const list = [1, 2];
      Object.defineProperty(list, 1, { get: trap, enumerable: true });
      expect(refusal({ a: list }).path).to.equal("value.a[1]");
      expect(
        refusal(Object.defineProperty({}, "b", { get: trap, enumerable: true })).path,
      ).to.equal("value.b");
      expect(
        refusal(Object.defineProperty({}, "c", { set: trap, enumerable: true })).path,
      ).to.equal("value.c");
      const error = Object.defineProperty(new Error("m"), "message", { get: trap });
      expect(refusal(error).path).to.equal("value.message");
      expect(refusal(Object.defineProperty(new Error("m"), "stack", { get: trap })).path).to.equal(
        "value.stack",
      );
    });

    it("toJSON and then methods as the functions they are, without calling them", () => {
      for (const word of ["toJSON", "then", "valueOf", "toString"]) {
        expect(refusal([{ [word]: trap }]).path).to.equal(`value[0].${word}`);
      }
    });

    it("Proxies without asking them anything", () => {
      const traps = new Proxy({}, { get: trap });
      expect(refusal({ a: new Proxy({}, traps) }).path).to.equal("value.a");
      expect(refusal({ a: Proxy.revocable([], {}).proxy }).path).to.equal("value.a");
      refusal(Object.create(new Proxy({}, traps)));
    });

    it("properties added to built-in objects", () => {
      for (const value of [new Date(), new Map(), new Set(), /a/, new ArrayBuffer(1)]) {
        const { path, message } = refusal([Object.assign(value, { extra: 1 })]);
        expect(path).to.equal("value[0].extra");
        expect(message).to.contain("a property of a built-in object");
      }
    });

    it("buffers that were transferred, and those that can be resized", () => {
      const buffer = new ArrayBuffer(8);
      const view = new DataView(buffer);
      structuredClone(buffer, { transfer: [buffer] });
      expect(refusal(buffer).message).to.contain("an ArrayBuffer that was transferred");
      expect(refusal([view]).path).to.equal("value[0]");
      const resizable = Reflect.construct(ArrayBuffer, [8, { maxByteLength: 16 }]) as ArrayBuffer;
      expect(refusal(new Uint8Array(resizable)).message).to.contain("a resizable ArrayBuffer");
    });

    it("what is nested deeper than 500 levels, however deep", () => {
      expect(() => takeSnapshot(nested(500))).not.to.throw();
      expect(refusal(nested(501)).message).to.contain("nested more than 500 levels deep");
      expect(refusal(nested(100_000)).path).to.have.lengthOf.below(220);
    });
  });

  describe("says where, as JavaScript would write it", () => {
    const places: readonly (readonly [string, unknown])[] = [
      ["value", () => 1],
      ["value.items[3].onClick", { items: [1, 2, 3, { onClick: () => 1 }] }],
      ['value["first name"]["0x"]', { "first name": { "0x": () => 1 } }],
      ["value.__proto__[7]", { ["__proto__"]: { 7: () => 1 } }],
      ['value.get("a")[0]', new Map([["a", [() => 1]]])],
      [
        "value.get(1)",
        new Map<unknown, unknown>([
          [0, 0],
          [1, () => 1],
        ]),
      ],
      ["value.keys()[0]", new Map([[() => 1, 1]])],
      [
        "value.values()[1]",
        new Map<unknown, unknown>([
          [{}, 0],
          [{}, () => 1],
        ]),
      ],
      ["value.values()[1]", new Set([1, () => 1])],
      [
        "value.cause.errors[0].detail",
        new Error("m", {
          cause: new AggregateError([Object.assign(new Error(), { detail: Math.abs })]),
        }),
      ],
    ];
    for (const [path, value] of places) {
      it(path, () => {
        expect(refusal(value).path).to.equal(path);
        expect(refusal(value).message).to.contain(`${path} is a function`);
      });
    }
  });

  it("refuses whatever holds one thing that cannot be carried, and finds it", () => {
    fc.assert(
      fc.property(recipes, fc.nat(), (recipe, seed) => {
        const first = recipe[0]!;
        const spoilt = { ...first, kind: "record" as const, members: [...first.members] };
        const name = `bad${seed}`;
        spoilt.members.push({ name, primitive: () => 1, node: undefined });
        expect(refusal(build([spoilt, ...recipe.slice(1)])).path).to.equal(`value.${name}`);
      }),
      { numRuns: 500 },
    );
  });

  it("carries plain objects, lists and built-in objects of another realm as this realm's", () => {
    const value = vm.runInNewContext(
      "({ list: [1, { a: 2 }], at: new Date(5), map: new Map([[1, new Set([2])]]), " +
        "bytes: new Uint8Array([1, 2]), buffer: new ArrayBuffer(2), data: new DataView(new ArrayBuffer(2)), " +
        "error: Object.assign(new TypeError('m'), { stack: 's' }), pattern: /x/g })",
    ) as object;
    const error = Object.defineProperty(new TypeError("m"), "stack", { value: "s" });
    const expected = {
      list: [1, { a: 2 }],
      at: new Date(5),
      map: new Map([[1, new Set([2])]]),
      bytes: new Uint8Array([1, 2]),
      buffer: new ArrayBuffer(2),
      data: new DataView(new ArrayBuffer(2)),
      error,
      pattern: /x/g,
    };
    expect(same(takeSnapshot(value).value, expected)).to.equal(true);
  });

  it("carries the dates of fake timers, and real ones at the same time", () => {
    const real = new Date(5);
    const clock = FakeTimers.install({ now: 7, toFake: ["Date"] });
    try {
      const copy = takeSnapshot([real, new Date()]).value as Date[];
      expect(copy.map(Number)).to.deep.equal([5, 7]);
    } finally {
      clock.uninstall();
    }
  });

  it("drops hidden properties, which JSON and structured clones do not see either", () => {
    const record = Object.defineProperty({ a: 1 }, "hidden", { value: () => 1 });
    const rows = Object.defineProperty([1], "meta", { get: trap });
    const error = Object.defineProperty(new Error("m"), Symbol("s"), { value: 1 });
    expect(Reflect.ownKeys(takeSnapshot(record).value as object)).to.deep.equal(["a"]);
    expect(Reflect.ownKeys(takeSnapshot(rows).value as object)).to.deep.equal(["0", "length"]);
    expect(Reflect.ownKeys(takeSnapshot(error).value as object)).to.have.members([
      "stack",
      "message",
    ]);
  });

  describe("estimates the bytes a value takes", () => {
    it("one a character of text, two where a character needs it", () => {
      expect(bytes("é".repeat(1000))).to.be.within(1000, 1050);
      expect(bytes("中".repeat(1000))).to.be.within(2000, 2050);
    });

    it("all that a Buffer or a view shows, and nothing of the pool it lies in", () => {
      expect(bytes(Buffer.alloc(5000))).to.be.within(5000, 5200);
      expect(bytes(Buffer.from("ab"))).to.be.below(200);
      expect(bytes(new Uint8Array(5000))).to.be.within(5000, 5300);
      expect(bytes(new Uint8Array(5000).subarray(0, 5))).to.be.below(200);
    });

    it("every member, and an object met twice once", () => {
      const list = Array.from({ length: 1000 }, () => 1);
      expect(bytes(list)).to.be.within(8000, 8200);
      expect(bytes([list, list])).to.be.within(8000, 8400);
      expect(bytes(new Map(list.map((_, index) => [index, index])))).to.be.above(16_000);
      expect(bytes({ a: 10n ** 1000n })).to.be.above(400);
      expect(bytes(new Set(list.keys()))).to.be.above(8000);
    });
  });
});
