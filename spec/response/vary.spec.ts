import { expect } from "chai";
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
      ["accept-encoding", "gzip, br", "br,gzip"],
      ["accept-encoding", "GZIP", "gzip"],
      ["accept-encoding", "gzip;q=1.0", "gzip"],
      ["accept-encoding", "gzip ; q=0.50, br", "br, gzip;q=0.5"],
      ["accept-encoding", "gzip; Q=0.5", "gzip;q=0.5"],
      ["accept-charset", "utf-8, x", "x,UTF-8"],
      ["accept-language", "en;q=0.5, de", "de, EN;q=0.500"],
      ["accept-language", "de , en", "de,en"],
      ["accept", "Text/HTML, a/b;q=0.9", "a/b;q=0.9,text/html"],
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
  });
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
