import { expect } from "chai";
import * as fc from "fast-check";
import { ArgumentKeyError, OptionError } from "../../src/errors.js";
import { makeTemplateFragmentKey, type VaryValue } from "../../src/fragment/key.js";
import { cachingId } from "../../src/key/identity.js";

class User {
  readonly id: unknown;
  constructor(id: unknown) {
    this.id = id;
  }
  [cachingId](): string | number {
    return this.id as number;
  }
}

class Group extends User {}

describe("makeTemplateFragmentKey()", () => {
  const keys: readonly [string | number, readonly VaryValue[], string][] = [
    ["sidebar", [], "fragment/sidebar"],
    ["sidebar", [7, "en"], "fragment/sidebar:7:en"],
    ["shop/side bar", ["a:b", "ä", "~"], "fragment/shop/side%20bar:a%3Ab:%C3%A4:%7E"],
    ["f_a", ["a_b"], "fragment/f_a:a_b"],
    [5, [""], "fragment/5:"],
    ["f", [undefined, null, true, false], "fragment/f:~:~null:~true:~false"],
    ["f", [["a", "b"], [], [""], [["a"], "b"]], "fragment/f:(a,b):~():():((a),b)"],
    ["f", [1.5, -0, 10n, Number.NaN], "fragment/f:1.5:0:10:NaN"],
    ["f", [new Date(0), new Date(Number.NaN)], "fragment/f:~1970-01-01T00%3A00%3A00.000Z:~NaN"],
    ["f", [new User(7), new User("7")], "fragment/f:~User%207:~User%20%227%22"],
    ["f", ["\ud800", "\udfff!"], "fragment/f:%ud800:%udfff!"],
  ];
  for (const [name, varyOn, key] of keys) {
    it(`gives ${key}`, () => {
      expect(makeTemplateFragmentKey(name, varyOn)).to.equal(key);
    });
  }

  it("takes a number and its text, and a text object and its text, for the same", () => {
    expect(makeTemplateFragmentKey("f", [7])).to.equal(makeTemplateFragmentKey("f", ["7"]));
    const boxed = new String("a:b") as unknown as string;
    expect(makeTemplateFragmentKey("f", [boxed])).to.equal(makeTemplateFragmentKey("f", ["a:b"]));
  });

  it("tells apart what Flask-Cache joins to the same", () => {
    expect(makeTemplateFragmentKey("f", ["a_b"])).to.not.equal(
      makeTemplateFragmentKey("f", ["a", "b"]),
    );
    expect(makeTemplateFragmentKey("f_a")).to.not.equal(makeTemplateFragmentKey("f", ["a"]));
    expect(makeTemplateFragmentKey("f", [new User(1)])).to.not.equal(
      makeTemplateFragmentKey("f", [new Group(1)]),
    );
  });

  it("is never longer than 200 characters, and still tells apart", () => {
    const long = "x".repeat(300);
    const keysOfLong = [
      makeTemplateFragmentKey("f", [long]),
      makeTemplateFragmentKey("f", [`${long}y`]),
      makeTemplateFragmentKey(long),
      makeTemplateFragmentKey(long, ["a"]),
      makeTemplateFragmentKey("ä".repeat(100)),
    ];
    expect(new Set(keysOfLong).size).to.equal(keysOfLong.length);
    expect(keysOfLong[0]).to.match(/^fragment\/f:#[\w-]{43}$/);
    for (const key of keysOfLong) expect(key).to.have.length.at.most(200);
  });

  it("is different for different names and lists", () => {
    const text = fc.string({
      unit: fc.constantFrom("a", ":", "~", "(", ")", ",", "%", "7", "'", "#", "\ud800", "ä"),
    });
    const leaf = fc.oneof(text, fc.boolean(), fc.constant(null), fc.constant(undefined));
    const value = fc.letrec<{ value: VaryValue }>((tie) => ({
      value: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie("value"), { maxLength: 3 })),
    })).value;
    const question = fc.tuple(
      text.filter((name) => name !== ""),
      fc.array(value, { maxLength: 4 }),
    );
    fc.assert(
      fc.property(question, question, (one, other) => {
        const same = JSON.stringify(one, tagged) === JSON.stringify(other, tagged);
        expect(makeTemplateFragmentKey(...one) === makeTemplateFragmentKey(...other)).to.equal(
          same,
        );
      }),
      { numRuns: 2000 },
    );
  });

  it("refuses what is no name", () => {
    for (const name of ["", undefined, null, {}, Number.NaN, true]) {
      expect(() => makeTemplateFragmentKey(name as string)).to.throw(
        OptionError,
        /A fragment needs a name/,
      );
    }
    expect(() => makeTemplateFragmentKey("f", "a" as never)).to.throw(
      OptionError,
      /must be a list; got "a"/,
    );
  });

  it("refuses vary values that cannot be told apart, and says which", () => {
    const refused: readonly [unknown, RegExp][] = [
      [{ id: 1 }, /Vary value 2 of the fragment "f" is an object.*user\.id.*\[cachingId\]/],
      [() => 1, /is a function/],
      [Symbol("s"), /is a symbol/],
      [[["a", {}]], /is an object/],
    ];
    for (const [value, message] of refused) {
      expect(() => makeTemplateFragmentKey("f", [1, value as string])).to.throw(
        ArgumentKeyError,
        message,
      );
    }
    const circle: VaryValue[] = [];
    circle.push(circle);
    expect(() => makeTemplateFragmentKey("f", [circle])).to.throw(
      ArgumentKeyError,
      /nested more than 100 deep/,
    );
  });
});

function tagged(_: string, value: unknown): unknown {
  return value === undefined ? { undefined: true } : value;
}
