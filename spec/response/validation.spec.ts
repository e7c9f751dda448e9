import { expect } from "chai";
import { httpDate, type Fields } from "../../src/response/fields.js";
import {
  conditionsFor,
  effectOfHead,
  freshens,
  goesWithNotModified,
  isUnmodified,
  mergeFields,
} from "../../src/response/validation.js";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const LATER = httpDate(NOW + 60_000);
const EARLIER = httpDate(NOW - 60_000);

function unmodified(request: Fields, fields: Fields, status = 200): boolean {
  return isUnmodified(request, { status, fields, receivedAt: NOW });
}

describe("answering 304 (RFC 9111, section 4.3.2)", () => {
  const table: readonly (readonly [string, string | undefined, boolean])[] = [
    ['"a"', '"a"', true],
    ['W/"a"', '"a"', true],
    ['"a"', 'W/"a"', true],
    ['"b", "a"', '"a"', true],
    ['"b","c"', '"a"', false],
    ["*", '"a"', true],
    [" * ", '"a"', true],
    ["*", undefined, true],
    ['"a"', undefined, false],
    ["a", '"a"', false],
    ['"a" "b"', '"a"', false],
    ["", '"a"', false],
    ['"a"', "a", false],
    ['"A"', '"a"', false],
  ];
  for (const [condition, etag, expected] of table) {
    it(`If-None-Match: ${condition} for ${etag}: ${expected}`, () => {
      const fields = etag === undefined ? {} : { etag };
      expect(unmodified({ "if-none-match": condition }, fields)).to.equal(expected);
    });
  }

  it("goes by If-None-Match before If-Modified-Since", () => {
    const fields = { etag: '"a"', "last-modified": EARLIER };
    const since = { "if-modified-since": LATER };
    expect(unmodified({ "if-none-match": '"b"', ...since }, fields)).to.equal(false);
    expect(unmodified(since, fields)).to.equal(true);
  });

  const since: readonly (readonly [string, Fields, boolean])[] = [
    [EARLIER, { "last-modified": EARLIER }, true],
    [EARLIER, { "last-modified": LATER }, false],
    [LATER, { date: EARLIER }, true],
    [EARLIER, { date: LATER }, false],
    [LATER, {}, true],
    [EARLIER, {}, false],
    ["yesterday", { "last-modified": EARLIER }, false],
    [`${LATER}, ${LATER}`, { "last-modified": EARLIER }, false],
    ["", { "last-modified": EARLIER }, false],
  ];
  for (const [condition, fields, expected] of since) {
    it(`If-Modified-Since: ${condition} for ${JSON.stringify(fields)}: ${expected}`, () => {
      expect(unmodified({ "if-modified-since": condition }, fields)).to.equal(expected);
    });
  }

  it("is for successes only (RFC 9110, section 13.2.1)", () => {
    expect(unmodified({ "if-none-match": "*" }, { etag: '"a"' }, 404)).to.equal(false);
    expect(unmodified({ "if-none-match": "*" }, { etag: '"a"' }, 301)).to.equal(false);
    expect(unmodified({ "if-none-match": "*" }, { etag: '"a"' }, 203)).to.equal(true);
  });

  it("has no condition, no 304", () => {
    expect(unmodified({}, { etag: '"a"' })).to.equal(false);
  });
});

describe("asking for 304 (RFC 9111, section 4.3.1)", () => {
  it("sends every validator that is stored", () => {
    expect(conditionsFor({ etag: '"a"', "last-modified": EARLIER })).to.deep.equal({
      "if-none-match": '"a"',
      "if-modified-since": EARLIER,
    });
    expect(conditionsFor({ "last-modified": EARLIER })).to.deep.equal({
      "if-modified-since": EARLIER,
    });
    expect(conditionsFor({ etag: 'W/"a"' })).to.deep.equal({ "if-none-match": 'W/"a"' });
  });

  it("asks nothing without a validator", () => {
    expect(conditionsFor({})).to.equal(undefined);
    expect(conditionsFor({ etag: "a", "last-modified": "yesterday" })).to.equal(undefined);
  });
});

describe("a 304 from the handler (RFC 9111, sections 4.3.4 and 3.2)", () => {
  it("freshens the response that it speaks of", () => {
    expect(freshens({ etag: '"a"' }, { etag: '"a"' })).to.equal(true);
    expect(freshens({ etag: 'W/"a"' }, { etag: '"a"' })).to.equal(true);
    expect(freshens({ "last-modified": EARLIER }, { "last-modified": EARLIER })).to.equal(true);
    expect(freshens({}, { etag: '"a"' })).to.equal(true);
  });

  it("that names another validator freshens nothing", () => {
    expect(freshens({ etag: '"b"' }, { etag: '"a"' })).to.equal(false);
    expect(freshens({ etag: '"a"' }, { etag: 'W/"a"' })).to.equal(false);
    expect(freshens({ etag: '"a"' }, {})).to.equal(false);
    expect(freshens({ "last-modified": LATER }, { "last-modified": EARLIER })).to.equal(false);
  });

  it("replaces the stored fields, but those of the connection and of the body", () => {
    const stored = { "x-a": "1", "x-b": "1", "content-type": "text/html", "content-length": "3" };
    const newer = {
      "x-b": "2",
      "x-c": "2",
      "content-type": "text/plain",
      "content-length": "0",
      "content-encoding": "gzip",
      connection: "close",
      "x-gone": undefined,
    };
    expect(mergeFields(stored, newer, new Set(["connection"]))).to.deep.equal({
      "x-a": "1",
      "x-b": "2",
      "x-c": "2",
      "content-type": "text/html",
      "content-length": "3",
    });
  });

  it("removes what it says is not to be stored", () => {
    expect(mergeFields({ "x-a": "1" }, {}, new Set(["x-a"]))).to.deep.equal({});
  });
});

describe("HEAD (RFC 9111, section 4.3.5)", () => {
  const stored = { etag: '"a"', "last-modified": EARLIER, "content-length": "3" };

  it("freshens with the validators that it names", () => {
    expect(effectOfHead({ etag: '"a"' }, stored)).to.equal("freshens");
    expect(effectOfHead({ ...stored }, stored)).to.equal("freshens");
    expect(effectOfHead({ etag: '"a"', "content-length": 3 }, stored)).to.equal("freshens");
  });

  it("outdates with another validator or length", () => {
    expect(effectOfHead({ etag: '"b"' }, stored)).to.equal("outdates");
    expect(effectOfHead({ "last-modified": LATER }, stored)).to.equal("outdates");
    expect(effectOfHead({ etag: '"a"', "content-length": "4" }, stored)).to.equal("outdates");
    expect(effectOfHead({ "content-length": "4" }, stored)).to.equal("outdates");
  });

  it("says nothing without a validator", () => {
    expect(effectOfHead({}, stored)).to.equal("nothing");
    expect(effectOfHead({ "content-length": "3" }, stored)).to.equal("nothing");
  });
});

describe("the fields of a 304 (RFC 9110, section 15.4.5)", () => {
  it("are those that are of use without a body", () => {
    const names = ["cache-control", "content-location", "etag", "expires", "vary", "date", "x-a"];
    expect(names.filter((name) => !goesWithNotModified(name, true))).to.deep.equal([]);
    const others = ["content-type", "content-length", "content-encoding", "content-language"];
    expect(others.filter((name) => goesWithNotModified(name, true))).to.deep.equal([]);
  });

  it("name the last change only where there is no tag", () => {
    expect(goesWithNotModified("last-modified", true)).to.equal(false);
    expect(goesWithNotModified("last-modified", false)).to.equal(true);
  });
});
