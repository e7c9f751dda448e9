import { expect } from "chai";
import { readControls } from "../../src/response/cache-control.js";
import type { Fields } from "../../src/response/fields.js";
import {
  isStoredStatus,
  unstoredFields,
  varyNames,
  whyNotStored,
  type NotStored,
  type StorageRules,
} from "../../src/response/storability.js";

function why(
  fields: Fields,
  {
    request = {},
    status = 200,
    storeSetCookie = false,
  }: {
    request?: Fields;
    status?: number;
    storeSetCookie?: boolean;
  } = {},
): NotStored | undefined {
  const read = readControls(fields, []);
  if (read === "unparsable") return read;
  const rules: StorageRules = { statuses: undefined, storeSetCookie };
  return whyNotStored({ method: "GET", fields: request }, { status, fields }, read, rules);
}

describe("what may be stored (RFC 9111, section 3)", () => {
  const forms: readonly (readonly [string, Fields, NotStored | undefined])[] = [
    ["a plain response", {}, undefined],
    ["no-store", { "cache-control": "no-store" }, "no-store"],
    ["no-store with an argument", { "cache-control": "no-store=x" }, "no-store"],
    ["NO-STORE among others", { "cache-control": "max-age=60, NO-STORE" }, "no-store"],
    ["private", { "cache-control": "private, max-age=60" }, "private"],
    ["private fields", { "cache-control": 'private="x", max-age=60' }, undefined],
    ["private fields without a name", { "cache-control": 'private=""' }, "private"],
    ["public and private", { "cache-control": "public, private" }, "private"],
    ["no-cache", { "cache-control": "no-cache" }, undefined],
    ["an unreadable Cache-Control", { "cache-control": "max-age=60 public" }, "unparsable"],
    ["Set-Cookie", { "set-cookie": ["a=b"] }, "set-cookie"],
    ["Set-Cookie that is public", { "set-cookie": "a=b", "cache-control": "public" }, "set-cookie"],
    ["Vary: *", { vary: "*" }, "vary"],
    ["Vary with *", { vary: "accept, *" }, "vary"],
    ["a Vary that is no list of names", { vary: "accept encoding" }, "vary"],
    ["Vary", { vary: "Accept-Encoding" }, undefined],
    ["Content-Range", { "content-range": "bytes 0-1/2" }, "partial"],
    ["events", { "content-type": "text/event-stream; charset=utf-8" }, "event-stream"],
  ];
  for (const [name, fields, expected] of forms) {
    it(`${name}: ${expected ?? "yes"}`, () => {
      expect(why(fields)).to.equal(expected);
    });
  }

  it("partial content: no", () => {
    expect(why({ "cache-control": "max-age=60" }, { status: 206 })).to.equal("partial");
  });

  it("Set-Cookie by the option alone", () => {
    expect(why({ "set-cookie": ["a=b"] }, { storeSetCookie: true })).to.equal(undefined);
  });
});

describe("must-understand (RFC 9111, section 5.2.2.3)", () => {
  it("overrides no-store where the status is understood", () => {
    const fields = { "cache-control": "must-understand, no-store, max-age=60" };
    expect(why(fields)).to.equal(undefined);
    expect(why(fields, { status: 599 })).to.equal("no-store");
  });

  it("forbids storing where it is not, with or without no-store", () => {
    expect(why({ "cache-control": "must-understand" }, { status: 299 })).to.equal("no-store");
  });
});

describe("the answer to Authorization (RFC 9111, section 3.5)", () => {
  const request = { authorization: "Basic x" };

  it("is not stored", () => {
    expect(why({ "cache-control": "max-age=60" }, { request })).to.equal("authorization");
    expect(why({}, { request: { authorization: "" } })).to.equal("authorization");
  });

  for (const directive of ["public", "s-maxage=60", "must-revalidate"]) {
    it(`is stored under ${directive}`, () => {
      expect(why({ "cache-control": `max-age=60, ${directive}` }, { request })).to.equal(undefined);
    });
  }

  it("is not stored under a permission with an argument", () => {
    expect(why({ "cache-control": "public=no" }, { request })).to.equal("authorization");
    expect(why({ "cache-control": "must-revalidate=no" }, { request })).to.equal("authorization");
  });
});

describe("which statuses are stored", () => {
  const table: readonly (readonly [number, boolean, boolean])[] = [
    [200, true, true],
    [203, true, false],
    [301, true, false],
    [308, true, false],
    [404, true, false],
    [410, true, false],
    [204, false, false],
    [302, false, false],
    [500, false, false],
    [206, false, false],
    [304, false, false],
    [101, false, false],
  ];
  for (const [status, own, byOption] of table) {
    it(`${status}: ${own} with a lifetime of its own, ${byOption} by the option`, () => {
      expect(isStoredStatus(status, true, undefined)).to.equal(own);
      expect(isStoredStatus(status, false, undefined)).to.equal(byOption);
    });
  }

  it("those of a list, by either lifetime, and no others", () => {
    const statuses = new Set([404]);
    expect(isStoredStatus(404, false, statuses)).to.equal(true);
    expect(isStoredStatus(404, true, statuses)).to.equal(true);
    expect(isStoredStatus(200, true, statuses)).to.equal(false);
  });

  it("all final ones with a lifetime of their own, where the option says so", () => {
    expect(isStoredStatus(500, true, "all")).to.equal(true);
    expect(isStoredStatus(500, false, "all")).to.equal(false);
    expect(isStoredStatus(200, false, "all")).to.equal(true);
    expect(isStoredStatus(304, true, "all")).to.equal(false);
    expect(isStoredStatus(206, true, "all")).to.equal(false);
  });

  it("never a part or a 304, whatever a list says", () => {
    expect(isStoredStatus(206, true, new Set([206]))).to.equal(false);
    expect(isStoredStatus(304, true, new Set([304]))).to.equal(false);
  });
});

function unstored(fields: Fields): ReadonlySet<string> {
  const read = readControls(fields, []);
  return unstoredFields(fields, read === "unparsable" ? new Map() : read.directives);
}

describe("fields that are not stored (RFC 9111, section 3.1)", () => {
  it("are those of the connection, those it names, and those of proxies", () => {
    const names = unstored({ connection: "Close, X-Hop" });
    for (const name of ["connection", "keep-alive", "transfer-encoding", "trailer", "te"]) {
      expect(names.has(name), name).to.equal(true);
    }
    expect(names.has("x-hop")).to.equal(true);
    expect(names.has("proxy-authenticate")).to.equal(true);
    expect(names.has("content-type")).to.equal(false);
  });

  it("are those that no-cache and private name", () => {
    const names = unstored({ "cache-control": 'no-cache="X-One", private="x-two, x-three"' });
    expect(["x-one", "x-two", "x-three"].every((name) => names.has(name))).to.equal(true);
  });

  it("are Age, which is calculated", () => {
    expect(unstored({}).has("age")).to.equal(true);
  });
});

describe("Vary", () => {
  it("names fields without case", () => {
    expect(varyNames({ vary: "Accept, ACCEPT-Language" })).to.deep.equal([
      "accept",
      "accept-language",
    ]);
    expect(varyNames({ vary: ["accept", "cookie"] })).to.deep.equal(["accept", "cookie"]);
    expect(varyNames({})).to.deep.equal([]);
  });
});
