import { expect } from "chai";
import {
  approachTo,
  demandOf,
  hasContent,
  isAccepted,
  type Approach,
  type Demand,
} from "../../src/response/demand.js";
import type { Fields } from "../../src/response/fields.js";

describe("what is done with a request", () => {
  const table: readonly (readonly [string, Fields, Approach])[] = [
    ["GET", {}, "lookup"],
    ["HEAD", {}, "read"],
    ["GET", { range: "bytes=0-1" }, "read"],
    ["POST", {}, "unsafe"],
    ["DELETE", {}, "unsafe"],
    ["PURGE", {}, "unsafe"],
    ["OPTIONS", {}, "method"],
    ["TRACE", {}, "method"],
    ["GET", { "content-length": "3" }, "request-body"],
    ["GET", { "transfer-encoding": "chunked" }, "request-body"],
    ["HEAD", { "content-length": "3" }, "request-body"],
    ["GET", { "content-length": "0" }, "lookup"],
    ["GET", { "if-match": '"a"' }, "precondition"],
    ["GET", { "if-unmodified-since": "x" }, "precondition"],
    ["GET", { "if-none-match": '"a"' }, "lookup"],
    ["GET", { authorization: "x", cookie: "a=b" }, "lookup"],
  ];
  for (const [method, fields, expected] of table) {
    it(`${method} ${JSON.stringify(fields)}: ${expected}`, () => {
      expect(approachTo({ method, fields })).to.equal(expected);
    });
  }

  it("takes every length but zero for content, malformed ones too", () => {
    expect(hasContent({ "content-length": "00" })).to.equal(false);
    expect(hasContent({ "content-length": "x" })).to.equal(true);
    expect(hasContent({ "content-length": "" })).to.equal(true);
    expect(hasContent({})).to.equal(false);
  });
});

const text = (value: string, obey = true) => demandOf({ "cache-control": value }, obey);

describe("what a client wants (RFC 9111, section 5.2.1)", () => {
  it("is only-if-cached whether it is obeyed or not", () => {
    expect(text("only-if-cached", false).onlyIfCached).to.equal(true);
    expect(text("Only-If-Cached, max-age=0").onlyIfCached).to.equal(true);
  });

  it("is nothing else of a client that is not obeyed", () => {
    const all = "no-cache, no-store, max-age=0, min-fresh=9, max-stale, stale-if-error=9";
    const { onlyIfCached, ...rest } = text(all, false);
    expect(onlyIfCached).to.equal(false);
    expect(Object.values(rest).filter(Boolean)).to.deep.equal([]);
    expect(demandOf({ pragma: "no-cache" }, false).reload).to.equal(false);
    expect(text("no-cache; x", false).reload).to.equal(false);
  });

  it("is read in full of a client that is obeyed", () => {
    expect(
      text("no-cache, no-store, max-age=1, min-fresh=2, max-stale=3, stale-if-error=4"),
    ).to.deep.equal({
      reload: true,
      noStore: true,
      onlyIfCached: false,
      maxAge: 1000,
      minFresh: 2000,
      maxStale: 3000,
      staleIfError: 4000,
    });
  });

  it("is read in the stricter way", () => {
    expect(text("max-age=9, max-age=3").maxAge).to.equal(3000);
    expect(text("max-age=x").maxAge).to.equal(0);
    expect(text("min-fresh=3, min-fresh=9").minFresh).to.equal(9000);
    expect(text("min-fresh=x").minFresh).to.equal(Infinity);
    expect(text("min-fresh").minFresh).to.equal(Infinity);
    expect(text("max-stale").maxStale).to.equal(Infinity);
    expect(text("max-stale, max-stale=5").maxStale).to.equal(0);
    expect(text("max-stale=x").maxStale).to.equal(0);
    expect(text("no-cache; x").reload).to.equal(true);
  });

  it("is Pragma where Cache-Control is absent", () => {
    expect(demandOf({ pragma: "no-cache" }, true).reload).to.equal(true);
    expect(demandOf({ pragma: "no-cache", "cache-control": "max-age=9" }, true).reload).to.equal(
      false,
    );
    expect(demandOf({}, true).reload).to.equal(false);
  });
});

const accepted = (value: string, age: number, left: number, mayBeStale = true) => {
  const demand: Demand = demandOf({ "cache-control": value }, true);
  return isAccepted(demand, { age: age * 1000, left: left * 1000, mayBeStale });
};

describe("whether a client takes a response as it stands", () => {
  const table: readonly (readonly [string, number, number, boolean])[] = [
    ["", 5, 5, true],
    ["", 5, 0, false],
    ["", 5, -1, false],
    ["no-cache", 0, 5, false],
    ["max-age=5", 5, 5, true],
    ["max-age=4", 5, 5, false],
    ["max-age=0", 0, 5, true],
    ["min-fresh=5", 5, 5, true],
    ["min-fresh=6", 5, 5, false],
    ["max-stale", 5, -100, true],
    ["max-stale=5", 5, -5, true],
    ["max-stale=5", 5, -6, false],
    ["max-stale=5, max-age=4", 5, -1, false],
    ["max-stale, min-fresh=1", 5, -1, false],
  ];
  for (const [value, age, left, expected] of table) {
    it(`${value || "nothing"}, ${age} s old, ${left} s left: ${expected}`, () => {
      expect(accepted(value, age, left)).to.equal(expected);
    });
  }

  it("never a stale one that forbids it", () => {
    expect(accepted("max-stale", 5, -1, false)).to.equal(false);
  });
});
