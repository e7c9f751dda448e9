import { expect } from "chai";
import * as fc from "fast-check";
import {
  entityTag,
  entityTags,
  fieldNames,
  fieldText,
  httpDate,
  parseHttpDate,
  weaklyEqual,
} from "../../src/response/fields.js";

describe("header fields", () => {
  describe("values (RFC 9110, section 5.3)", () => {
    it("joins the lines of a field, and writes numbers as text", () => {
      expect(fieldText({ vary: ["a", "b"] }, "vary")).to.equal("a, b");
      expect(fieldText({ "content-length": 12 }, "content-length")).to.equal("12");
    });

    it("tells absent from empty", () => {
      expect(fieldText({}, "etag")).to.equal(undefined);
      expect(fieldText({ etag: "" }, "etag")).to.equal("");
    });

    it("does not find what every object has", () => {
      expect(fieldText({}, "constructor")).to.equal(undefined);
      expect(fieldText({}, "__proto__")).to.equal(undefined);
    });

    it("reads a list of names without case, blanks and empty members", () => {
      expect(fieldNames(" Accept ,, COOKIE,")).to.deep.equal(["accept", "cookie"]);
      expect(fieldNames("")).to.deep.equal([]);
    });

    it("takes no list with a member that is not a name", () => {
      expect(fieldNames("accept, a b")).to.equal(undefined);
      expect(fieldNames("accept; q=1")).to.equal(undefined);
    });
  });

  describe("dates (RFC 9110, section 5.6.7)", () => {
    const time = Date.UTC(1994, 10, 6, 8, 49, 37);
    const written: readonly (readonly [string, number | undefined])[] = [
      ["Sun, 06 Nov 1994 08:49:37 GMT", time],
      ["Sunday, 06-Nov-94 08:49:37 GMT", time],
      ["Sun Nov  6 08:49:37 1994", time],
      ["Sun, 6 Nov 1994 08:49:37 GMT", undefined],
      ["Sun, 06 Nov 1994 25:49:37 GMT", undefined],
      ["Sun, 06 Nov 1994 08:49:37 UTC", undefined],
      ["Sun, 06 Nov 1994 08:49:37 +0100", undefined],
      ["Thu, 31 Feb 2022 08:49:37 GMT", undefined],
      ["Wednesday, 31-Feb-94 08:49:37 GMT", undefined],
      ["Wed Feb 31 08:49:37 1994", undefined],
      ["1994-11-06T08:49:37Z", undefined],
      ["0", undefined],
      ["-1", undefined],
      ["", undefined],
    ];
    for (const [text, expected] of written) {
      it(`reads ${JSON.stringify(text)} as ${expected ?? "no date"}`, () => {
        expect(parseHttpDate(text)).to.equal(expected);
      });
    }

    it("takes a two-digit year for the one within fifty years", () => {
      const now = new Date().getUTCFullYear();
      for (const year of [now - 45, now, now + 45]) {
        const short = String(year % 100).padStart(2, "0");
        const read = parseHttpDate(`Monday, 01-Jan-${short} 00:00:00 GMT`)!;
        expect(new Date(read).getUTCFullYear()).to.equal(year);
      }
    });

    it("reads every date that it writes", () => {
      const seconds = fc.integer({ min: 0, max: 4_102_444_800 });
      fc.assert(
        fc.property(seconds, (at) => parseHttpDate(httpDate(at * 1000)) === at * 1000),
        { numRuns: 200 },
      );
    });
  });

  describe("entity tags (RFC 9110, section 8.8.3)", () => {
    it("knows well-formed ones", () => {
      expect(entityTag('"a"')).to.equal('"a"');
      expect(entityTag('W/"a"')).to.equal('W/"a"');
      expect(entityTag('""')).to.equal('""');
      expect(entityTag("a")).to.equal(undefined);
      expect(entityTag('w/"a"')).to.equal(undefined);
      expect(entityTag('"a b"')).to.equal(undefined);
      expect(entityTag(undefined)).to.equal(undefined);
    });

    it("reads lists, commas within tags included", () => {
      expect(entityTags('"a,b" ,W/"c",, "d"')).to.deep.equal(['"a,b"', 'W/"c"', '"d"']);
      expect(entityTags("")).to.deep.equal([]);
    });

    it("takes no list with anything else in it", () => {
      expect(entityTags('"a" "b"')).to.equal(undefined);
      expect(entityTags("a, b")).to.equal(undefined);
      expect(entityTags('"a", *')).to.equal(undefined);
    });

    it("reads a hostile list in linear time", () => {
      const hostile = `"a",${" ".repeat(200_000)}x`;
      const start = process.hrtime.bigint();
      expect(entityTags(hostile)).to.equal(undefined);
      expect(Number(process.hrtime.bigint() - start) / 1e6).to.be.lessThan(500);
    });

    it("compares weakly", () => {
      expect(weaklyEqual('W/"a"', '"a"')).to.equal(true);
      expect(weaklyEqual('"a"', '"b"')).to.equal(false);
    });
  });
});
