import { PassThrough } from "node:stream";
import { runInNewContext } from "node:vm";

import { expect } from "chai";

import { ArgumentKeyError } from "../../src/errors.js";
import { identify } from "../../src/key/identity.js";
import { encode } from "../support/argument-texts.js";

function trap(): never {
  throw new Error("must not run");
}

function refused(value: unknown, what: string | RegExp): void {
  expect(() => encode(value))
    .to.throw(ArgumentKeyError, what)
    .with.property("code", "ERR_ARGUMENT_KEY");
}

/** Lists within lists, made without recursion. */
function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

function elapsed(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

describe("an argument that cannot be part of a key", () => {
  it("is named, with what it is and the remedy", () => {
    const items = [1, 2, 3, () => 1];
    expect(() => encode(1, { filter: { items } })).to.throw(
      ArgumentKeyError,
      "argument 2, at .filter.items[3], is a function, which cannot be part of a key. Pass plain " +
        "data, or say what the result depends on with the option argsKey: (...args) => value.",
    );
    refused(() => 1, /^argument 1 is a function, which/);
  });

  it("is named by the path that JavaScript would write", () => {
    refused(
      { "a b": [{ ["x".repeat(100)]: Symbol("s") }] },
      /^argument 1, at \["a b"\]\[0\]\["x{57}…"\], is a symbol/,
    );
    refused(new Map([[1, trap]]), /^argument 1, at \.values\(\)\[0\], is a function/);
    refused(
      new Map<unknown, unknown>([
        [1, 2],
        [[trap], 1],
      ]),
      /^argument 1, at \.keys\(\)\[1\]\[0\], is/,
    );
    refused([new Set([1, trap])], /^argument 1, at \[0\]\.values\(\)\[1\], is a function/);
    refused([{ ["__proto__"]: trap }], /^argument 1, at \[0\]\.__proto__, is a function/);
  });

  const things: readonly (readonly [string, unknown, RegExp])[] = [
    ["a function", trap, /is a function/],
    ["a class", Date, /is a function/],
    ["a symbol", Symbol.iterator, /is a symbol/],
    ["a promise", Promise.resolve(), /is a promise/],
    ["a thenable with a class", runInNewContext("Object.create({ then() {} })"), /is a promise/],
    ["a Node stream", new PassThrough(), /is a stream/],
    ["a web stream", new ReadableStream(), /is of the kind ReadableStream/],
    ["a boxed number", Object(1), /is a boxed primitive/],
    ["a boxed string", Object("a"), /is a boxed primitive/],
    ["a boxed boolean", Object(true), /is a boxed primitive/],
    ["a boxed bigint", Object(1n), /is a boxed primitive/],
    ["a boxed symbol", Object(Symbol("a")), /is a boxed primitive/],
    ["a WeakMap", new WeakMap(), /is of the kind WeakMap/],
    ["a WeakSet", new WeakSet(), /is of the kind WeakSet/],
    ["a WeakRef", new WeakRef({}), /is of the kind WeakRef/],
    ["a generator", (function* () {})(), /is of the kind Generator/],
    ["an asynchronous generator", (async function* () {})(), /is of the kind AsyncGenerator/],
    ["the iterator of a list", [][Symbol.iterator](), /is of the kind Array Iterator/],
    ["the iterator of a Map", new Map().keys(), /is of the kind Map Iterator/],
    ["shared memory", new SharedArrayBuffer(1), /is of the kind SharedArrayBuffer/],
    ["a promise of another realm", runInNewContext("Promise.resolve()"), /is a promise/],
    ["an object with a symbol-keyed property", { [Symbol("a")]: 1 }, /symbol-keyed/],
    [
      "an arguments object",
      runInNewContext("(function () { return arguments; })(1)"),
      /symbol-keyed/,
    ],
    [
      "a list with properties",
      Object.assign([1], { x: 1 }),
      /at \.x, is a property added to a list/,
    ],
    [
      "a list with symbols",
      Object.assign([1], { [Symbol("a")]: 1 }),
      /is a property added to a list/,
    ],
    ["the match of a regular expression", /a/.exec("a"), /is a property added to a list/],
    [
      "a Date with properties",
      Object.assign(new Date(), { x: 1 }),
      /a built-in object with properties/,
    ],
    [
      "a Map with properties",
      Object.assign(new Map(), { x: 1 }),
      /a built-in object with properties/,
    ],
    [
      "a URL with properties",
      Object.assign(new URL("a:b"), { x: 1 }),
      /a built-in object with prop/,
    ],
    ["a RegExp with properties", Object.assign(/a/, { x: 1 }), /a built-in object with properties/],
  ];
  it("is a stream even when it has been a receiver", () => {
    const stream = new PassThrough();
    identify(stream);
    refused(stream, /is a stream/);
    refused(stream, /is a stream/);
  });

  for (const [name, value, what] of things) {
    it(`is ${name}`, () => {
      refused(value, what);
      expect(() => encode(1, { a: [value] })).to.throw(
        ArgumentKeyError,
        /^argument 2, at \.a\[0\]/,
      );
    });
  }
});

describe("the code of an argument", () => {
  it("never runs: not the getters of an object or a list", () => {
    const list = Object.defineProperty([1, 2], 1, { get: trap });
    refused(
      {
        get a() {
          return trap();
        },
      },
      /^argument 1, at \.a, is a getter or setter/,
    );
    refused({ a: { set b(_: number) {} } }, /^argument 1, at \.a\.b, is a getter or setter/);
    refused({ list }, /^argument 1, at \.list\[1\], is a getter/);
    refused(
      Object.defineProperty([1], 0, { set: trap }),
      /^argument 1, at \[0\], is a getter or setter/,
    );
    refused(Object.defineProperty({}, "a", { value: 1 }), /^argument 1, at \.a, is not enumerable/);
  });

  it("never runs: not the getters of a view", () => {
    const view = new Uint8Array([1]);
    Object.defineProperty(view, "buffer", { get: trap });
    Object.defineProperty(view, Symbol.toStringTag, { get: trap });
    expect(encode(view)).to.equal("Uint8Array(AQ)");
  });

  it("never runs: not the traps of a Proxy, as argument, inside one, or as prototype", () => {
    const names = Object.getOwnPropertyNames(Reflect);
    const traps = Object.fromEntries(names.map((name) => [name, trap]));
    for (const target of [{}, [], trap, new Date(), new Map()]) {
      const proxy = new Proxy(target, traps);
      refused(proxy, typeof target === "function" ? /is a function/ : /is a Proxy/);
      refused([{ proxy }], /^argument 1, at \[0\]\.proxy, is a/);
      expect(encode(Object.create(proxy))).to.match(/^<~/);
      expect(encode(Object.setPrototypeOf([1], proxy))).to.match(/^<~/);
      expect(encode(Object.setPrototypeOf(new Date(), proxy))).to.match(/^<~/);
    }
  });
});

describe("the bounds of arguments", () => {
  it("take lists nested 100 deep, not 101", () => {
    expect(encode(nested(100))).to.equal(`${"[".repeat(100)}1${"]".repeat(100)}`);
    refused(nested(101), /is nested more than 100 deep/);
  });

  it("refuse what is nested a million deep without overflowing the stack", () => {
    refused(
      nested(1_000_000),
      /^argument 1, at (?:\[0\]){10}…(?:\[0\]){10}, is nested more than 100/,
    );
    let value: unknown = 1;
    for (let level = 0; level < 1_000_000; level += 1) {
      value = level % 2 === 0 ? new Map([[value, 1]]) : new Set([value]);
    }
    refused(value, /is nested more than 100 deep/);
  });

  it("refuse cycles, through every kind of container", () => {
    const list: unknown[] = [];
    list.push({ list });
    const map = new Map<unknown, unknown>();
    map.set(1, new Set([[map]]));
    refused(list, /^argument 1, at \[0\]\.list, is part of a cycle/);
    refused(map, /^argument 1, at \.values\(\)\[0\]\.values\(\)\[0\]\[0\], is part of a cycle/);
  });

  it("take one object that occurs twice", () => {
    const shared = { a: 1 };
    expect(encode([shared, shared], shared)).to.equal("[{a:1},{a:1}],{a:1}");
  });

  it("take 10 000 elements in all, not 10 001", () => {
    const list = Array.from({ length: 5000 }, () => 1);
    expect(encode(list, list)).to.equal(`[${list.join()}],[${list.join()}]`);
    expect(() => encode(list, list, [1])).to.throw(
      ArgumentKeyError,
      /^argument 3 is beyond 10000 elements in all/,
    );
    refused({ list, more: [...list, 1] }, /^argument 1, at \.more, is beyond/);
    refused(new Set(Array.from({ length: 10_001 }).keys()), /^argument 1 is beyond/);
    refused(new Map(Array.from({ length: 5001 }).entries()), /^argument 1 is beyond/);
  });

  it("take 10 000 arguments, not 10 001", () => {
    const list = Array.from({ length: 10_000 }, () => 1);
    expect(encode(...list)).to.equal(list.join());
    expect(() => encode(...list, 1)).to.throw(ArgumentKeyError, /^the argument list is beyond/);
  });

  it("refuse what shared references blow up, in little time", () => {
    let list: unknown = [1];
    let record: unknown = { a: 1 };
    let map: unknown = 1;
    for (let level = 0; level < 60; level += 1) {
      list = [list, list];
      record = { a: record, b: record };
      map = new Map([[map, map]]);
    }
    const time = elapsed(() => {
      for (const value of [list, record, map]) refused(value, /is beyond 10000 elements in all/);
    });
    expect(time).to.be.below(1000);
  });

  it("refuse what is huge before looking through it", () => {
    const list: unknown[] = [];
    list.length = 4e9;
    const set = new Set(Array.from({ length: 1e6 }).keys());
    const bytes = Buffer.alloc(2 ** 24 + 1);
    const time = elapsed(() => {
      for (const value of [list, set, [...set]]) refused(value, /is beyond 10000 elements in all/);
      refused(bytes, /is beyond 16777216 characters in all/);
    });
    expect(time).to.be.below(1000);
  });

  it("refuse more text than a key can be made of, with an error of their own", () => {
    const text = '"'.repeat(2 ** 20);
    const list = Array.from({ length: 600 }, () => text);
    refused(list, /^argument 1, at \[16\], is beyond 16777216 characters in all/);
    refused({ [text]: list.slice(0, 16) }, /is beyond 16777216 characters/);
    expect(() => encode(...list)).to.throw(ArgumentKeyError, /^argument 17 is beyond/);
    refused(`${text}${text}`.repeat(9), /^argument 1 is beyond 16777216 characters/);
    refused([new URL(`a:${"x".repeat(2 ** 24)}`)], /is beyond 16777216 characters/);
    refused([new RegExp("x".repeat(2 ** 24 + 1))], /is beyond 16777216 characters/);
  });
});
