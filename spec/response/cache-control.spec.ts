import { expect } from "chai";
import * as fc from "fast-check";
import {
  allows,
  concerned,
  parseCacheControl,
  parseTargeted,
  readControls,
  seconds,
  type Directives,
} from "../../src/response/cache-control.js";

function parsed(text: string): Directives {
  const directives = parseCacheControl(text);
  if (directives === "unparsable") throw new Error(`${text} is unparsable`);
  return directives;
}

describe("Cache-Control (RFC 9111, section 5.2)", () => {
  describe("syntax", () => {
    const forms: readonly (readonly [string, Record<string, readonly (string | undefined)[]>])[] = [
      ["", {}],
      [" ", {}],
      [",,", {}],
      ["no-store", { "no-store": [undefined] }],
      ["max-age=60", { "max-age": ["60"] }],
      ["MAX-AGE=60, Public", { "max-age": ["60"], public: [undefined] }],
      [' max-age="60" ,public ', { "max-age": ["60"], public: [undefined] }],
      ["max-age=60,,public,", { "max-age": ["60"], public: [undefined] }],
      ["\tmax-age=60\t,\tpublic", { "max-age": ["60"], public: [undefined] }],
      ["max-age=60, max-age=30", { "max-age": ["60", "30"] }],
      ['private="a, b", x="q\\"uo\\\\te"', { private: ["a, b"], x: ['q"uo\\te'] }],
      ["unknown=token!, other", { unknown: ["token!"], other: [undefined] }],
      ["max-age='60'", { "max-age": ["'60'"] }],
      ['x=""', { x: [""] }],
    ];
    for (const [text, expected] of forms) {
      it(`reads ${JSON.stringify(text)}`, () => {
        expect(Object.fromEntries(parsed(text))).to.deep.equal(expected);
      });
    }

    const broken: readonly string[] = [
      "max-age =60",
      "max-age= 60",
      "max-age=60 public",
      "max-age=60; public",
      "=60",
      "max-age=",
      'max-age="60',
      'max-age=60"',
      'max-age="60"x',
      "a=b=c",
      'private="a\u0001"',
      "no-störe",
      "(no-store)",
      '"no-store"',
      "max-age:60",
    ];
    for (const text of broken) {
      it(`cannot read ${JSON.stringify(text)}`, () => {
        expect(parseCacheControl(text)).to.equal("unparsable");
      });
    }

    it("reads anything without throwing, and in linear time", () => {
      fc.assert(fc.property(fc.string(), (text) => parseCacheControl(text) !== undefined));
      const start = process.hrtime.bigint();
      parseCacheControl(`${" ".repeat(200_000)}x x`);
      parseCacheControl(`a="${"\\".repeat(200_000)}`);
      expect(Number(process.hrtime.bigint() - start) / 1e6).to.be.lessThan(500);
    });

    it("takes names of what every object has for directives like others", () => {
      expect(parsed("__proto__=1, constructor").get("__proto__")).to.deep.equal(["1"]);
    });
  });

  describe("seconds (sections 1.2.2 and 4.2.1)", () => {
    const forms: readonly (readonly [string, number | undefined])[] = [
      ["public", undefined],
      ["max-age=60", 60],
      ["max-age=0", 0],
      ["max-age=007", 7],
      ['max-age="60"', 60],
      ["max-age=60, max-age=60", 60],
      ["max-age=60, max-age=30", 30],
      ["max-age=30, max-age=60", 30],
      ["max-age=99999999999999999999", 2_147_483_648],
      ["max-age", 0],
      ["max-age=-1", 0],
      ["max-age=+1", 0],
      ["max-age=1.5", 0],
      ["max-age=1e3", 0],
      ["max-age=0x10", 0],
      ["max-age=60s", 0],
      ["max-age='60'", 0],
      ['max-age=""', 0],
      ['max-age=" 60"', 0],
      ["max-age=60, max-age=soon", 0],
    ];
    for (const [text, expected] of forms) {
      it(`makes ${text} ${expected}`, () => {
        expect(seconds(parsed(text), "max-age")).to.equal(expected);
      });
    }
  });

  describe("fields concerned (sections 5.2.2.4 and 5.2.2.7)", () => {
    const forms: readonly (readonly [string, "all" | readonly string[]])[] = [
      ["public", []],
      ["private", "all"],
      ['private="Set-Cookie"', ["set-cookie"]],
      ['private="a, B"', ["a", "b"]],
      ["private=a", ["a"]],
      ['private="a", private="b"', ["a", "b"]],
      ['private="a", private', "all"],
      ['private=""', "all"],
      ['private=","', "all"],
      ['private="a b"', "all"],
    ];
    for (const [text, expected] of forms) {
      it(`reads ${text} as ${JSON.stringify(expected)}`, () => {
        expect(concerned(parsed(text), "private")).to.deep.equal(expected);
      });
    }
  });

  it("takes a permission with an argument for none", () => {
    expect(allows(parsed("public"), "public")).to.equal(true);
    expect(allows(parsed("public=yes"), "public")).to.equal(false);
    expect(allows(parsed("public, public=1"), "public")).to.equal(false);
    expect(allows(parsed("no-store"), "public")).to.equal(false);
  });
});

describe("targeted fields (RFC 9213)", () => {
  const forms: readonly (readonly [string, Record<string, readonly (string | undefined)[]>])[] = [
    ["max-age=60", { "max-age": ["60"] }],
    ["no-store", { "no-store": [undefined] }],
    ["no-store=?1, public=?0", { "no-store": [undefined] }],
    ["max-age=60;x=1, public;y", { "max-age": ["60"], public: [undefined] }],
    ["max-age=60, max-age=30", { "max-age": ["30"] }],
    ['no-cache="a, b"', { "no-cache": ["a, b"] }],
    ["private=a", { private: ["a"] }],
    ["max-age=1.5", { "max-age": ["1.5"] }],
    ["max-age=-1", { "max-age": ["-1"] }],
    ['private=("a" "b")', { private: ["()"] }],
    ["max-age=:YQ==:", { "max-age": ["()"] }],
  ];
  for (const [text, expected] of forms) {
    it(`reads ${text}`, () => {
      expect(Object.fromEntries(parseTargeted(text)!)).to.deep.equal(expected);
    });
  }

  for (const text of ["", "  ", "Max-Age=60", "max-age=60,", "max-age=60 public", "max-age= 60"]) {
    it(`takes ${JSON.stringify(text)} for absent`, () => {
      expect(parseTargeted(text)).to.equal(undefined);
    });
  }

  const targets = ["example-cache-control", "cdn-cache-control"];

  function controls(fields: Record<string, string>): unknown {
    const read = readControls(fields, targets);
    if (read === "unparsable") return read;
    return { targeted: read.targeted, names: [...read.directives.keys()] };
  }

  it("takes the first that is there, and nothing else (section 2.2)", () => {
    const fields = { "cdn-cache-control": "max-age=1", "cache-control": "no-store" };
    expect(controls(fields)).to.deep.equal({ targeted: true, names: ["max-age"] });
    expect(controls({ ...fields, "example-cache-control": "public" })).to.deep.equal({
      targeted: true,
      names: ["public"],
    });
  });

  it("goes on to the next where one is empty or malformed", () => {
    const fields = { "example-cache-control": "", "cdn-cache-control": "max-age=60;" };
    expect(controls({ ...fields, "cache-control": "no-store" })).to.deep.equal({
      targeted: false,
      names: ["no-store"],
    });
  });

  it("does not obey a field that is not a target", () => {
    expect(controls({ "surrogate-control": "max-age=60" })).to.deep.equal({
      targeted: false,
      names: [],
    });
  });

  it("says so where Cache-Control cannot be read", () => {
    expect(controls({ "cache-control": "public; max-age=60" })).to.equal("unparsable");
    expect(
      controls({ "cache-control": "public; max-age=60", "cdn-cache-control": "max-age=60" }),
    ).to.deep.equal({ targeted: true, names: ["max-age"] });
  });
});

const names = (fields: Record<string, string>) => {
  const read = readControls(fields, []);
  return read === "unparsable" ? read : [...read.directives.keys()];
};

describe("Pragma (RFC 9111, section 5.4)", () => {
  it("counts as no-cache where Cache-Control is absent", () => {
    expect(names({ pragma: "No-Cache" })).to.deep.equal(["no-cache"]);
    expect(names({ pragma: "other, no-cache" })).to.deep.equal(["no-cache"]);
    expect(names({ pragma: "other" })).to.deep.equal([]);
    expect(names({ pragma: "no-cache", "cache-control": "max-age=1" })).to.deep.equal(["max-age"]);
  });
});
