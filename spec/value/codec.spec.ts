// Values come back from text as they went, and no text does harm.
import { Buffer } from "node:buffer";

import { expect } from "chai";
import * as fc from "fast-check";

import type { Held } from "../../src/entry.js";
import { decode, encode, encodeHeld, heldText } from "../../src/value/codec.js";
import { hold } from "../../src/value/copy.js";
import { same } from "./same.js";
import { build, jsonValues, primitives, recipes } from "./samples.js";

function comesBack(value: unknown): void {
  expect(same(decode(encode(value)), value)).to.equal(true);
}

/** What decoding does, as far as it may do anything at all: an answer or an error. */
function attempt(text: string): unknown {
  try {
    return decode(text);
  } catch (error) {
    expect(error).to.be.instanceOf(Error);
    return undefined;
  }
}

describe("encode and decode", () => {
  const carried: Readonly<Record<string, () => unknown>> = {
    undefined: () => undefined,
    null: () => null,
    booleans: () => [true, false],
    "numbers of every sort": () => [0, -0, NaN, Infinity, -Infinity, 1e300, 5e-324, 0.1, 2 ** 53],
    bigints: () => [0n, -5n, 10n ** 400n],
    "text, broken surrogates included": () => [
      "",
      "\ud800",
      "\udc00x",
      "\u2028",
      "</script>",
      "😀",
      "\0",
    ],
    dates: () => [new Date(0), new Date(8.64e15), new Date(-8.64e15), new Date(-1)],
    "invalid dates": () => new Date(NaN),
    patterns: () => [/a\/b[/]/giu, /(?:)/, new RegExp("\n"), /\u{1F600}/u],
    Maps: () =>
      new Map<unknown, unknown>([
        [{ a: 1 }, new Map([[NaN, -0]])],
        [undefined, null],
      ]),
    Sets: () => new Set([new Set([1]), undefined, "a"]),
    URLs: () => new URL("https://user:pw@example.com:8080/ä?q=1&q=2#h"),
    Buffers: () => [Buffer.from("häß"), Buffer.alloc(0), Buffer.alloc(10_000, 7)],
    "bytes that are no text": () => Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
    ArrayBuffers: () => [new ArrayBuffer(0), new Uint8Array([1, 255]).buffer],
    DataViews: () => new DataView(new Uint8Array([1, 2, 3]).buffer),
    "typed arrays": () => [
      new Uint8Array([1, 2]),
      new Int8Array([-1]),
      new Uint8ClampedArray([300]),
      new Int16Array([-300]),
      new Uint16Array([65_535]),
      new Int32Array([-5]),
      new Uint32Array([2 ** 32 - 1]),
      new Float32Array([0.5, NaN]),
      new Float64Array([0.1, -0]),
      new BigInt64Array([-5n]),
      new BigUint64Array([2n ** 64n - 1n]),
    ],
    "errors of every class of the language": () => [
      new Error("m"),
      new TypeError("m", { cause: new RangeError("c", { cause: 5 }) }),
      new SyntaxError(""),
      new EvalError("m"),
      new URIError("m"),
      new ReferenceError("m"),
      new AggregateError([new Error("a"), 5], "m"),
    ],
    "what was added to an error": () =>
      Object.assign(new Error("no such file"), { code: "ENOENT", errno: -2, name: "FileError" }),
    "an error without message or stack": () => {
      const error = new Error();
      delete error.stack;
      return error;
    },
    "boxed primitives": () => [Object(1), Object(-0), Object("text"), Object(true), Object(5n)],
    "sparse lists": () => [[1, , 3], [, ,], Array(5), Object.assign([], { length: 3_000_000 })], // oxlint-disable-line no-sparse-arrays
    "lists with properties": () => ["abc".match(/(?<x>b)/), Object.assign([1, , 2], { extra: 1 })], // oxlint-disable-line no-sparse-arrays
    "objects without a prototype": () => Object.assign(Object.create(null), { a: { b: 1 } }),
    "lists with properties that merely look like items": () =>
      ["007", "4294967295", "-1", "1.5", ""].map((name) => Object.assign([1], { [name]: 2 })),
    "properties that are undefined": () => ({ a: undefined, b: [undefined] }),
    "properties in their order": () => ({ b: 1, a: 2, 1: 3, "-1": new Date(0) }),
    "names that mean something elsewhere": () =>
      ["then", "toJSON", "constructor", "length", "valueOf"].map((word) => ({ [word]: 4n })),
    "text that looks like the format itself": () => ["1d[1]", ["Packed", 1], { Packed: [1n, -1] }],
  };
  for (const [name, make] of Object.entries(carried)) {
    it(`carry ${name}`, () => {
      comesBack(make());
      comesBack({ within: [make()] });
    });
  }

  it("carry lastIndex as 0, as structured clones do", () => {
    const pattern = /a/g;
    pattern.lastIndex = 1;
    expect(decode(encode(pattern))).to.deep.include({ source: "a", lastIndex: 0 });
  });

  it("carry cycles and shared references through objects of every kind", () => {
    const error: Error & { also?: unknown } = new Error("m");
    const list: unknown[] & { extra?: unknown } = [];
    const map = new Map<unknown, unknown>();
    const proto = JSON.parse('{"__proto__":0}') as object;
    Object.defineProperty(proto, "__proto__", { value: error });
    error.cause = [list, error, map];
    error.also = error.cause;
    list.push(list, proto);
    list.extra = list;
    map.set(map, new Set([map, error, proto]));
    comesBack(error);
    comesBack([error, error.cause, map]);
    comesBack(proto);
  });

  it("carry an own __proto__ without touching any prototype", () => {
    const polluting = JSON.parse('{"__proto__":{"polluted":1},"a":[{"__proto__":null}]}') as object;
    comesBack(polluting);
    comesBack({ polluting, at: new Date(0) });
    comesBack(Object.assign(Object.create(null), { a: polluting }));
    expect(decode(encode({ polluting, b: 1n }))).not.to.have.property("polluted");
    expect({}).not.to.have.property("polluted");
  });

  it("carry whatever can be built of all this", () => {
    fc.assert(
      fc.property(recipes, (recipe) => comesBack(build(recipe))),
      { numRuns: 3000 },
    );
    fc.assert(fc.property(jsonValues, comesBack), { numRuns: 2000 });
    fc.assert(fc.property(primitives, comesBack), { numRuns: 1000 });
  });

  it("write JSON as JSON", () => {
    fc.assert(
      fc.property(jsonValues, (value) => {
        if (typeof value === "number") return;
        expect(encode(value)).to.equal(`1j${JSON.stringify(value)}`);
      }),
    );
  });

  it("bring only the bytes that a Buffer or a view shows", () => {
    const pool = Buffer.from("secret and public");
    for (const view of [pool.subarray(11), new Uint8Array(pool.buffer, pool.byteOffset + 11, 6)]) {
      expect(encode(view)).to.have.lengthOf.below(100);
      expect(Buffer.from(decode(encode(view)) as Uint8Array).toString()).to.equal("public");
      expect((decode(encode([view])) as Uint8Array[])[0]!.byteLength).to.equal(6);
    }
  });

  it("leave the value alone", () => {
    fc.assert(
      fc.property(recipes, (recipe) => {
        const value = build(recipe);
        encode(value);
        expect(same(value, build(recipe))).to.equal(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe("decode of foreign text", () => {
  it("throws for every text cut short", () => {
    const whole = fc.oneof(
      recipes.map((recipe) => encode(build(recipe))),
      primitives.map(encode),
      jsonValues.map(encode),
    );
    fc.assert(
      fc.property(
        whole,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (text, part) => {
          expect(() => decode(text.slice(0, Math.floor(text.length * part)))).to.throw();
        },
      ),
      { numRuns: 3000 },
    );
    for (const value of [12, -1.5, undefined, -0, NaN, null, true, "", [], {}, 5n]) {
      const text = encode(value);
      for (let end = 0; end < text.length; end += 1) {
        expect(() => decode(text.slice(0, end)), text.slice(0, end)).to.throw();
      }
    }
  });

  it("throws or answers for damaged text, and changes no prototype", () => {
    const before = Reflect.ownKeys(Object.prototype);
    const damaged = fc
      .tuple(
        recipes,
        fc.nat(),
        fc.oneof(
          fc.string({ maxLength: 3 }),
          fc.constantFrom("-1", "0", "999", '"__proto__"', "[", "]", '"Packed",'),
        ),
      )
      .map(([recipe, place, patch]) => {
        const text = encode(build(recipe));
        const at = place % text.length;
        return text.slice(0, at) + patch + text.slice(at + 1);
      });
    fc.assert(
      fc.property(damaged, (text) => void attempt(text)),
      { numRuns: 5000 },
    );
    expect(Reflect.ownKeys(Object.prototype)).to.deep.equal(before);
  });

  it("throws or answers for any list of devalue's, well made or not", () => {
    const index = fc.integer({ min: -8, max: 8 });
    const word = fc.constantFrom(
      "Packed",
      "Map",
      "Set",
      "Date",
      "null",
      "Object",
      "List",
      "Error",
      "Record",
      "Buffer",
      "Bare",
      "ArrayBuffer",
      "Uint8Array",
      "RegExp",
      "URL",
      "BigInt",
      "Temporal.Instant",
      "__proto__",
      "constructor",
      "length",
    );
    const atom = fc.oneof(index, word, fc.constantFrom(null, true, 1.5, {}, []));
    const node = fc.oneof(
      atom,
      fc.array(atom, { maxLength: 7 }),
      fc.dictionary(word, index, { maxKeys: 3, noNullPrototype: true }),
      fc.tuple(fc.constant("Packed"), index),
      fc
        .tuple(fc.constantFrom("List", "Error", "Record"), index, index, index, index)
        .map((list) => list),
    );
    fc.assert(
      fc.property(
        fc.array(node, { minLength: 1, maxLength: 8 }),
        (nodes) => void attempt(`1d${JSON.stringify(nodes)}`),
      ),
      { numRuns: 5000 },
    );
    expect({}).not.to.have.property("polluted");
  });

  const unreadable: readonly (readonly [string, string])[] = [
    ["nothing", ""],
    ["another version", '2j{"a":1}'],
    ["another format", '1x{"a":1}'],
    ["JSON of somebody else's", '{"a":1}'],
    ["no JSON", "1j{a:1}"],
    ["something after the value", '1j{"a":1}{}'],
    ["an unknown class", '1d[["Money",1],5]'],
    ["an unknown kind of packed object", '1d[["Packed",1],[2],"Money"]'],
    ["a class that is no error", '1d[["Packed",1],[2,-1],"constructor"]'],
    ["a packed object that is none", '1d[["Packed",1],5]'],
    ["a packed object that is itself", '1d[["Packed",0]]'],
    ["a property without a name", '1d[["Packed",1],[2,-1,-1,-1,3],"Record",true]'],
    ["a property whose visibility is missing", '1d[["Packed",1],[2,-1,3,3],"Record","name"]'],
    ["the length of a list as a property", '1d[["Packed",1],[2,3,4,3,5],"List",1,"length",true]'],
    ["a list of an impossible length", '1d[["Packed",1],[2,3],"List",-5]'],
    ["a Buffer as long as asked", '1d[["Packed",1],[2,3],"Buffer",{"length":4},1000000000]'],
    ["a Buffer of no text", '1d[["Packed",1],[2,3],"Buffer",5]'],
    ["an ArrayBuffer of no text", '1d[["ArrayBuffer",5]]'],
    ["bytes beyond the buffer", '1d[["Uint8Array",1,0,1000],["ArrayBuffer","AAAA"]]'],
    ["a typed array as long as asked", '1d[["Uint8Array",1],1000000000]'],
    ["an index beyond the text", "1d[[5]]"],
    ["a bad pattern", '1d[["RegExp","("]]'],
    ["a bad URL", '1d[["URL","no url"]]'],
    ["a bad bigint", '1d[["BigInt","x"]]'],
    ["an own __proto__ that was not packed", '1d[{"__proto__":1},{"polluted":2},1]'],
    ["cycles of boxes", '1d[["Object",0]]'],
  ];
  for (const [name, text] of unreadable) {
    it(`throws for ${name}`, () => expect(() => decode(text)).to.throw(Error));
  }

  it("throws for what is no text at all", () => {
    for (const value of [undefined, null, 5, {}, Buffer.from("1j5"), ["1j", "5"]]) {
      expect(() => decode(value as string)).to.throw(SyntaxError);
    }
  });

  it("names what it expected and what it got", () => {
    expect(() => decode("hello")).to.throw('Expected a text that begins with 1j or 1d, got "he".');
  });

  it("ends for text nested so deep that it exhausts the stack", () => {
    const links = Array.from({ length: 100_000 }, (_, index) => `[${index + 1}]`);
    expect(() => decode(`1d[${links.join(",")},1]`)).to.throw(RangeError);
    expect(() => decode(`1j${"[".repeat(100_000)}`)).to.throw();
    expect(() => decode(`1j${"[".repeat(100_000)}${"]".repeat(100_000)}`)).not.to.throw();
  });

  it("gives a list of a huge length no room before it is filled", () => {
    const before = process.memoryUsage().heapUsed;
    const list = decode('1d[["Packed",1],[2,3],"List",30000000]');
    expect(list).to.have.lengthOf(30_000_000);
    expect(process.memoryUsage().heapUsed - before).to.be.below(100e6);
    expect(decode('1d[["Packed",1],[2,3],"List",4294967295]')).to.have.lengthOf(4_294_967_295);
    expect(decode("1d[[-7,4294967295]]")).to.have.lengthOf(4_294_967_295);
  });
});

describe("heldText", () => {
  it("gives everybody a value of his own", () => {
    for (const value of [{ a: [1] }, { at: new Date(5) }, [new Map([[1, { b: 2 }]])]]) {
      const held = heldText(encode(value));
      const given = [held.give(), held.give(), held.give()];
      for (const one of given) expect(same(one, value)).to.equal(true);
      expect(new Set(given).size).to.equal(3);
      expect(held.shared).to.equal(false);
    }
  });

  it("shares what nobody can change", () => {
    for (const value of [5, "text", null, undefined, 5n, NaN]) {
      const held = heldText(encode(value));
      expect(held.shared).to.equal(true);
      expect(held.give()).to.satisfy((given: unknown) => Object.is(given, value));
    }
  });

  it("throws at once for text that cannot be read", () => {
    expect(() => heldText("1j{")).to.throw(SyntaxError);
    expect(() => heldText("foreign")).to.throw(SyntaxError);
  });

  it("counts the bytes of the text", () => {
    const text = encode({ a: "x".repeat(1000) });
    expect(heldText(text).bytes).to.equal(2 * text.length);
  });
});

describe("encodeHeld", () => {
  it("writes what encode writes for the value", () => {
    fc.assert(
      fc.property(recipes, (recipe) => {
        const text = encode(build(recipe));
        expect(encodeHeld(hold(build(recipe), "copy"))).to.equal(text);
        expect(encodeHeld(hold(build(recipe), "freeze"))).to.equal(text);
        expect(encodeHeld(heldText(text))).to.equal(text);
      }),
      { numRuns: 500 },
    );
    expect(encodeHeld(hold(5, "copy"))).to.equal(encode(5));
  });

  it("hands on the text that a held text was made of", () => {
    expect(encodeHeld(heldText('1j{ "a": 1 }'))).to.equal('1j{ "a": 1 }');
  });

  it("asks any other keeper for the value", () => {
    const held: Held = { bytes: 1, shared: true, give: () => ({ a: 1 }) };
    expect(encodeHeld(held)).to.equal('1j{"a":1}');
  });
});
