import { expect } from "chai";
import { OptionError } from "../src/errors.js";
import { checkOptions, nearest } from "../src/options.js";

const KNOWN = ["timeout", "keyPrefix", "unless", "staleWhileRevalidate"];

describe("checking options", () => {
  it("accepts known names, none at all, and objects without a prototype", () => {
    checkOptions({ timeout: 1, unless: undefined }, KNOWN, "cached()");
    checkOptions({}, KNOWN, "cached()");
    checkOptions(Object.assign(Object.create(null) as object, { timeout: 1 }), KNOWN, "cached()");
  });

  it("names a wrong option, the nearest right one and all others", () => {
    expect(() => checkOptions({ timeuot: 1 }, KNOWN, "cached()")).to.throw(
      OptionError,
      'cached() has no option "timeuot". Did you mean timeout? ' +
        "It has: timeout, keyPrefix, unless, staleWhileRevalidate.",
    );
  });

  it("guesses nothing where nothing is near", () => {
    expect(() => checkOptions({ colour: 1 }, KNOWN, "cached()")).to.throw(
      OptionError,
      /^cached\(\) has no option "colour"\. It has:/,
    );
  });

  it("refuses names that objects have by nature", () => {
    for (const name of ["toString", "constructor", "__proto__"]) {
      const options = JSON.parse(`{"${name}":1}`) as object;
      expect(() => checkOptions(options, KNOWN, "cached()")).to.throw(OptionError, name);
    }
  });

  for (const wrong of [null, undefined, 50, "50", true, [], () => 1]) {
    it(`refuses ${typeof wrong === "function" ? "a function" : JSON.stringify(wrong)} for options (K074)`, () => {
      expect(() => checkOptions(wrong, KNOWN, "cached()")).to.throw(
        OptionError,
        /^The options of cached\(\) must be an object; got /,
      );
    });
  }
});

describe("the nearest name", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["timeuot", "timeout"],
    ["time_out", "timeout"],
    ["TIMEOUT", "timeout"],
    ["key_prefix", "keyPrefix"],
    ["keyprefix", "keyPrefix"],
    ["staleWhileRevalidation", "staleWhileRevalidate"],
    ["unles", "unless"],
    ["store", undefined],
    ["", undefined],
  ];
  for (const [name, expected] of cases) {
    it(`to ${JSON.stringify(name)} is ${expected ?? "none"}`, () => {
      expect(nearest(name, KNOWN)).to.equal(expected);
    });
  }
});
