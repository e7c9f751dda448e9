import { install } from "@sinonjs/fake-timers";
import { expect } from "chai";

import { apart, encode, same } from "../support/argument-texts.js";

describe("built-in objects as arguments", () => {
  it("keeps dates by time, the invalid ones too", () => {
    same([new Date(5)], [new Date(5)]);
    same([new Date(Number.NaN)], [new Date("x")]);
    apart(new Date(5), new Date(6), new Date(Number.NaN), 5, new Date(5).toISOString());
  });

  it("keeps the dates of a fake clock by time, like any other", () => {
    const real = new Date(5);
    const clock = install({ toFake: ["Date"], now: 5 });
    const fakes = [new Date(), new Date(5), Object.assign(new Date(5), { x: 1 })];
    clock.uninstall();
    same([real], [fakes[0]], [fakes[1]]);
    expect(encode(fakes[2])).to.match(/^<~/);
  });

  it("does not take a date with methods of its own for that of a fake clock", () => {
    class Moment extends Date {
      later(): number {
        return this.getTime() + 1;
      }
    }
    class Thin extends Moment {}
    for (const moment of [new Moment(0), new Thin(0)]) {
      Object.defineProperty(moment, "constructor", { value: Date });
      expect(encode(moment)).to.match(/^<~/);
    }
  });

  it("keeps regular expressions by source and flags", () => {
    same([/a/gi], [new RegExp("a", "ig")]); // oxlint-disable-line prefer-regex-literals
    apart(/a/g, /a/i, /a/, /b/, "/a/", /a","g/, new RegExp("", "")); // oxlint-disable-line prefer-regex-literals
  });

  it("keeps URLs by text", () => {
    same([new URL("http://a")], [new URL("http://A/")]);
    apart(new URL("http://a/"), new URL("http://a/?"), "http://a/");
  });

  it("keeps Map and Set by content whatever the order", () => {
    same(
      [
        new Map<unknown, unknown>([
          [1, 2],
          ["1", { a: 1, b: 2 }],
        ]),
      ],
      [
        new Map<unknown, unknown>([
          ["1", { b: 2, a: 1 }],
          [1, 2],
        ]),
      ],
    );
    same([new Set([1, "1", [2]])], [new Set([[2], "1", 1])]);
    apart(
      new Map(),
      new Set(),
      {},
      [],
      new Map([[1, 2]]),
      new Map([[2, 1]]),
      new Set([1, 2]),
      [1, 2],
    );
    apart(new Set([{}]), new Set([{}, {}]), new Set([undefined]), new Set());
    apart(
      new Map([["a", undefined]]),
      new Map([["a", null]]),
      new Map(),
      new Map([["b", undefined]]),
    );
  });

  it("keeps bytes by content, Buffer or Uint8Array", () => {
    const pool = Buffer.from("--hello--");
    same(
      [Buffer.from("hello")],
      [new Uint8Array([104, 101, 108, 108, 111])],
      [pool.subarray(2, 7)],
      [new Uint8Array(new SharedArrayBuffer(5)).map((_, index) => pool[index + 2] as number)],
    );
    apart(Buffer.from("a"), Buffer.from("b"), "a", [97], Buffer.alloc(0), Buffer.alloc(1));
  });

  it("keeps other views by kind and content", () => {
    const kinds = [
      Int8Array,
      Uint8Array,
      Uint8ClampedArray,
      Int16Array,
      Float32Array,
      Float64Array,
    ];
    apart(...kinds.map((Kind) => new Kind(8)), new BigInt64Array(1), new BigUint64Array(1));
    apart(
      new ArrayBuffer(8),
      new DataView(new ArrayBuffer(8)),
      new Uint8Array(8),
      new ArrayBuffer(7),
    );
    apart(new Float64Array([0]), new Float64Array([-0]), new Float64Array([Number.NaN]));
    same([new Float32Array([1, 2])], [new Float32Array([1, 2])]);
  });

  it("takes a transferred buffer as empty", () => {
    const buffer = new ArrayBuffer(8);
    const views = [buffer, new Uint8Array(buffer), new DataView(buffer)];
    structuredClone(buffer, { transfer: [buffer] });
    expect(views.map((view) => encode(view))).to.deep.equal([
      "ArrayBuffer()",
      "Uint8Array()",
      "DataView()",
    ]);
  });

  it("takes what only inherits from a built-in object as an object with a class", () => {
    const makers = [Date, RegExp, URL, Map, Set, ArrayBuffer, Uint8Array, Error];
    for (const maker of makers) expect(encode(Object.create(maker.prototype))).to.match(/^<~/);
  });

  it("takes as plain only what inherits nothing but the language's own", () => {
    // oxlint-disable-next-line no-sparse-arrays
    const list: unknown = Object.setPrototypeOf([, 1], [5]);
    const record: unknown = Object.create(Object.assign(Object.create(null), { a: 1 }));
    for (const value of [list, record]) expect(encode(value)).to.match(/^<~/);
  });

  it("takes a subclass of a built-in object as an object with a class", () => {
    class Moment extends Date {}
    class Rows extends Array<unknown> {}
    class Index extends Map<unknown, unknown> {}
    for (const value of [new Moment(0), new Rows(), new Index()])
      expect(encode(value)).to.match(/^<~/);
  });
});
