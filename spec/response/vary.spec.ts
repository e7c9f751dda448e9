import { createRequire } from "node:module";
import { expect } from "chai";
import { array, assert, constantFrom, nat, oneof, property, record, tuple } from "fast-check";
import type { Fields } from "../../src/response/fields.js";
import {
  addVariant,
  isVariantIndex,
  MOST_NAMES,
  MOST_VARIANTS,
  unitedNames,
  variantText,
  varyField,
} from "../../src/response/vary.js";

const same = (name: string, one: string, other: string) =>
  variantText([name], { [name]: one }) === variantText([name], { [name]: other });

const both = (request: Fields): string | undefined => variantText(["x-a", "x-b"], request);

const byTheme = (cookie: string | undefined): string | undefined =>
  variantText(["cookie:theme"], cookie === undefined ? {} : { cookie });

describe("the variant that a request selects (RFC 9111, section 4.1)", () => {
  it("is told by the fields named, and by no others", () => {
    const names = ["accept-language"];
    const german = variantText(names, { "accept-language": "de", cookie: "a=1" });
    expect(variantText(names, { "accept-language": "de", cookie: "a=2" })).to.equal(german);
    expect(variantText(names, { "accept-language": "en" })).not.to.equal(german);
  });

  it("does not depend on the order of the names", () => {
    const request = { accept: "a/b", cookie: "c" };
    expect(variantText(["cookie", "accept"], request)).to.equal(
      variantText(["accept", "cookie"], request),
    );
  });

  it("is one and the same where nothing varies", () => {
    expect(variantText([], { cookie: "a" })).to.equal("");
  });

  it("takes absent, empty and blank for three things", () => {
    for (const name of ["x-a", "accept", "accept-encoding", "cookie"]) {
      const texts = [{}, { [name]: "" }, { [name]: " " }].map((request: Fields) =>
        variantText([name], request),
      );
      expect(new Set(texts).size, name).to.equal(3);
    }
  });

  it("does not mix the values of two fields", () => {
    expect(both({ "x-a": '1"],["x-b","2' })).not.to.equal(both({ "x-a": "1", "x-b": "2" }));
    expect(both({ "x-a": "1" })).not.to.equal(both({ "x-b": "1" }));
    expect(both({ "x-a": "null" })).not.to.equal(both({}));
  });

  it("does not take what every object has for a field", () => {
    expect(variantText(["constructor"], {})).to.equal(variantText(["constructor"], { a: "1" }));
  });

  it("is none where the values would be too long or the names too many", () => {
    expect(variantText(["x-a"], { "x-a": "a".repeat(9000) })).to.equal(undefined);
    const names = Array.from({ length: MOST_NAMES + 1 }, (_, index) => `x-${index}`);
    expect(variantText(names, {})).to.equal(undefined);
    expect(variantText(names.slice(1), {})).to.be.a("string");
  });

  describe("normalised where the specification allows it", () => {
    const equal: readonly (readonly [string, string, string])[] = [
      ["accept-encoding", "gzip, br", "gzip,br"],
      ["accept-encoding", "gzip;q=1.0", "gzip"],
      ["accept-encoding", "gzip ; q=0.50, br", "br, gzip;q=0.5"],
      ["accept-encoding", "gzip;\tq=0.5", "gzip;q=0.5"],
      ["accept-charset", "utf-8; q=0, x", "x,utf-8;q=0.000"],
      ["accept-language", "en;q=0.5, de", "de, en ;q=0.500"],
      ["accept-language", "de , en", "de,en"],
      ["accept", "text/html, a/b;q=0.9", "a/b; q=0.9,text/html"],
      ["accept", "text/html; level=1", "text/html;level=1"],
    ];
    for (const [name, one, other] of equal) {
      it(`${name}: ${one} is ${other}`, () => {
        expect(same(name, one, other)).to.equal(true);
      });
    }
  });

  describe("told apart where it does not", () => {
    const different: readonly (readonly [string, string, string])[] = [
      ["accept-language", "de, en", "en, de"],
      ["accept-language", "de", "de-AT"],
      ["accept", "a/b, c/d", "c/d, a/b"],
      ["accept", "a/b;p=X", "a/b;p=x"],
      ["accept", 'a/b;p="X,y"', 'a/b;p="X, y"'],
      ["accept", "a/b;q=0.5;x=1, c/d;q=0.5", "c/d;q=0.5, a/b;q=0.5;x=1"],
      ["accept-encoding", "gzip", "gzip;q=0"],
      ["accept-encoding", "gzip;q=0, gzip", "gzip, gzip;q=0"],
      ["accept-encoding", "gzip", "br"],
      ["accept-encoding", "gzip, br", "br, gzip"],
      ["accept-encoding", "gzip", "GZIP"],
      ["accept-encoding", "gzip;q=0", "gzip;Q=0"],
      ["accept-encoding", "gzip;q=0, GZIP", "GZIP, gzip;q=0"],
      ["accept-encoding", "gzip", "gzip\u00a0"],
      ["accept-charset", "utf-8, x", "x, utf-8"],
      ["accept-charset", "x;q=0.5, utf-8", "x;Q=0.5, utf-8"],
      ["accept-language", "en; q=0.5,fr", "fr,en;q=0.5"],
      ["accept-language", "en;Q=0.5,fr", "fr,en;q=0.5"],
      ["accept-language", "en-us", "en-US"],
      ["accept-encoding", "gzip;q=2", "gzip"],
      ["cookie", "a=1; b=2", "b=2; a=1"],
      ["cookie", "a=A", "a=a"],
      ["user-agent", "Firefox", "firefox"],
      ["origin", "http://a.test", "http://A.test"],
      ["x-a", "1,2", "1, 2"],
    ];
    for (const [name, one, other] of different) {
      it(`${name}: ${one} is not ${other}`, () => {
        expect(same(name, one, other)).to.equal(false);
      });
    }
  });

  describe("by one cookie", () => {
    it("does not depend on the others", () => {
      expect(byTheme("a=1; theme=dark")).to.equal(byTheme("theme=dark;b=2"));
      expect(byTheme("theme=dark")).not.to.equal(byTheme("theme=light"));
    });

    it("takes the first of its name, and no other name", () => {
      expect(byTheme("theme=dark; theme=light")).to.equal(byTheme("theme=dark"));
      expect(byTheme("xtheme=dark")).to.equal(byTheme(undefined));
      expect(byTheme("Theme=dark")).to.equal(byTheme(undefined));
    });

    it("tells absent from empty", () => {
      expect(byTheme("theme=")).not.to.equal(byTheme("a=1"));
    });

    it("skips the spaces before a name, and no other blanks", () => {
      expect(byTheme("a=1;  theme=dark")).to.equal(byTheme("theme=dark"));
      for (const blank of ["\t", "\u00a0", " \t "]) {
        const cookies = `a=1;${blank}theme=dark; theme=light`;
        expect(byTheme(cookies), JSON.stringify(blank)).to.equal(byTheme("theme=light"));
      }
    });

    it("depends on what signs it: missing, empty, right or wrong", () => {
      const endings = ["", "; theme.sig=", "; theme.sig=a", "; theme.sig=b", "; theme.sig=A"];
      const texts = endings.map((ending) => byTheme(`theme=dark${ending}`));
      expect(new Set(texts).size).to.equal(endings.length);
      expect(byTheme("theme.sig=a; theme=dark")).to.equal(byTheme("theme=dark; theme.sig=a"));
    });

    it("does not depend on what signs another, or nothing", () => {
      expect(byTheme("theme=dark; a.sig=1")).to.equal(byTheme("theme=dark; a.sig=2"));
      expect(byTheme("theme=dark; themeXsig=1")).to.equal(byTheme("theme=dark"));
      expect(byTheme("theme.sig=1")).to.equal(byTheme(undefined));
    });
  });
});

type Available = readonly string[] | undefined;
type Negotiator = Readonly<Record<string, (available: Available) => readonly string[]>>;
type NegotiatorClass = new (request: { readonly headers: Fields }) => Negotiator;

/** The negotiator that a package depends on; the packages lead there from the first one. */
function negotiatorOf(...packages: readonly string[]): NegotiatorClass {
  let require = createRequire(import.meta.url);
  for (const name of packages) require = createRequire(require.resolve(name));
  return require("negotiator") as NegotiatorClass;
}

/** By field: how it is negotiated, what is asked for, and what a site may have. */
const NEGOTIATED: Readonly<
  Record<string, { method: string; ranges: readonly string[]; available: readonly Available[] }>
> = {
  accept: {
    method: "mediaTypes",
    ranges: ["a/b", "A/b", "a/*", "*/*", "c/d", "a/b;p=1", "a/b; p=1", "a/b;P=1", 'a/b;p="1,2"'],
    available: [undefined, ["a/b", "c/d"], ["c/d", "a/b;p=1", "a/b"], ["e/f"]],
  },
  "accept-language": {
    method: "languages",
    ranges: ["en", "EN", "en-US", "fr", "fr-", "*"],
    available: [undefined, ["en", "fr"], ["fr", "en-US", "en"], ["de"]],
  },
  "accept-encoding": {
    method: "encodings",
    ranges: ["gzip", "GZIP", "br", "identity", "*"],
    available: [undefined, ["gzip", "br"], ["br", "identity", "gzip"], ["zstd"]],
  },
  "accept-charset": {
    method: "charsets",
    ranges: ["utf-8", "UTF-8", "latin1", "*"],
    available: [undefined, ["utf-8", "latin1"], ["latin1", "utf-8"], ["ascii"]],
  },
};

const USUAL = ["R;q=W", "R ;q=W", "R;q=W ", " R\t;q=W", " R;q=W"];
const ODD =
  `R; q=W|R;\tq=W|R;Q=W|R; Q=W|R;q =W|R;q= W|R;q=W;q=1|R;q=1;q=W|R;;q=W|R;q=W;|R;q|R;q="W"|
R;x=1;q=W|R;q=W;x=1|R\u00a0;q=W|R;\u00a0q=W|R x;q=W|R|| `.split(/\|\n?/);
const WEIGHTS = [
  ["1", "1.0", "1.", "1.000"],
  ["0.5", "0.50", "0.500", ".5"],
  ["0", "0.0", "0.", "-1"],
  ["2", "", "x", "0.0001"],
] as const;

describe("equal variants get equal answers of Koa's negotiator and of the newest", () => {
  const classes = [negotiatorOf("koa", "accepts"), negotiatorOf("koa-compress")];
  for (const [name, { method, ranges, available }] of Object.entries(NEGOTIATED)) {
    const answers = (value: string) =>
      classes.flatMap((Class) => {
        const negotiator = new Class({ headers: { [name]: value } });
        return available.map((list) => negotiator[method]!(list));
      });
    const text = oneof({ weight: 3, arbitrary: constantFrom(...USUAL) }, constantFrom(...ODD));
    const spelling = record({ text, digits: nat(3) });
    const member = tuple(
      record({ range: constantFrom(...ranges), weight: constantFrom(...WEIGHTS) }),
      tuple(spelling, spelling),
    );
    const isReversed = constantFrom(false, true);

    it(`by ${name}`, () => {
      let met = 0;
      const lists = array(member, { minLength: 1, maxLength: 3 });
      const holds = property(lists, isReversed, (members, reversed) => {
        const [one, other] = ([0, 1] as const).map((side) =>
          members.map(([{ range, weight }, spellings]) => {
            const { text: pattern, digits } = spellings[side];
            return pattern.replace("R", () => range).replace("W", weight[digits]!);
          }),
        ) as [string[], string[]];
        const value = one.join(",");
        const again = (reversed ? other.toReversed() : other).join(",");
        if (value === again || !same(name, value, again)) return;
        met += 1;
        expect(answers(value), `${value} | ${again}`).to.deep.equal(answers(again));
      });
      assert(holds, { numRuns: 3000 });
      // Otherwise it would hold for want of cases.
      expect(met).to.be.above(50);
    });
  }
});

describe("the names that a page varies on", () => {
  it("are those of every source, once", () => {
    expect(unitedNames(["b"], ["a", "b"], [])).to.deep.equal(["a", "b"]);
  });

  it("need no single cookie where they have them all", () => {
    expect(unitedNames(["cookie:a"], ["cookie"])).to.deep.equal(["cookie"]);
    expect(unitedNames(["cookie:a"], [])).to.deep.equal(["cookie:a"]);
  });

  it("are told to caches further on", () => {
    expect(varyField(["accept", "cookie:a", "cookie:b"])).to.deep.equal(["accept", "cookie"]);
  });
});

describe("the variants of a page", () => {
  it("are told from whatever else a store may hold", () => {
    expect(isVariantIndex({ id: "i", names: ["a"], variants: [], until: 1 })).to.equal(true);
    expect([undefined, null, {}, { names: ["a"] }, "a"].filter(isVariantIndex)).to.deep.equal([]);
  });

  it("are kept, the newest last", () => {
    const index = { id: "i", names: ["a"], variants: ["1", "2"], until: 1 };
    expect(addVariant(index, "3").index.variants).to.deep.equal(["1", "2", "3"]);
    expect(addVariant(index, "1").index.variants).to.deep.equal(["2", "1"]);
  });

  it("are bounded: the oldest leaves", () => {
    const variants = Array.from({ length: MOST_VARIANTS }, (_, index) => String(index));
    const { index, dropped } = addVariant({ id: "i", names: ["a"], variants, until: 1 }, "new");
    expect(dropped).to.deep.equal(["0"]);
    expect(index.variants).to.have.length(MOST_VARIANTS);
    expect(index.variants.at(-1)).to.equal("new");
  });
});
