import { expect } from "chai";
import { OptionError } from "../../src/errors.js";
import type { Fields } from "../../src/response/fields.js";
import {
  judgeResponse,
  lengthAgrees,
  settlePolicy,
  type PolicyOptions,
  type Storable,
} from "../../src/response/policy.js";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

function judge(
  fields: Fields,
  options: PolicyOptions & { timeout?: number; status?: number; request?: Fields } = {},
): ReturnType<typeof judgeResponse> {
  const { timeout, status = 200, request = {}, ...policy } = options;
  const response = { status, fields, requestedAt: NOW, receivedAt: NOW };
  const lifetimes = {
    timeout,
    heuristic: false,
    staleWhileRevalidate: 0,
    staleIfError: 0,
  };
  return judgeResponse(
    { method: "GET", fields: request },
    response,
    settlePolicy(policy),
    lifetimes,
  );
}

describe("the options of a page", () => {
  it("have these defaults", () => {
    expect(settlePolicy({})).to.deep.equal({
      vary: [],
      statuses: undefined,
      maxBytes: 1_048_576,
      targets: [],
      heuristic: false,
      storeSetCookie: false,
      obeyClient: false,
    });
  });

  it("name fields without case, cookies with theirs", () => {
    const { vary, targets } = settlePolicy({
      vary: ["Accept-Language", "Cookie:Theme"],
      targets: ["CDN-Cache-Control"],
    });
    expect(vary).to.deep.equal(["accept-language", "cookie:Theme"]);
    expect(targets).to.deep.equal(["cdn-cache-control"]);
  });

  const wrong: readonly (readonly [string, unknown])[] = [
    ["vary", "Accept"],
    ["vary", ["*"]],
    ["vary", ["a b"]],
    ["vary", [""]],
    ["vary", ["cookie:"]],
    ["vary", [1]],
    ["targets", ["cookie:a"]],
    ["targets", "CDN-Cache-Control"],
    ["statuses", 200],
    ["statuses", ["200"]],
    ["statuses", [99]],
    ["statuses", "some"],
    ["maxBytes", -1],
    ["maxBytes", 1.5],
    ["maxBytes", "1MB"],
    ["heuristic", 1],
    ["storeSetCookie", "no"],
    ["obeyClient", null],
  ];
  for (const [option, value] of wrong) {
    it(`refuse ${option}: ${JSON.stringify(value)}, and say what was expected`, () => {
      const options = { [option]: value } as PolicyOptions;
      expect(() => settlePolicy(options)).to.throw(OptionError, new RegExp(`^${option} must be`));
    });
  }
});

describe("the judgement of a response", () => {
  it("is how long it lives and what it varies on", () => {
    const fields = { "cache-control": "max-age=60, public", vary: "Accept", etag: '"a"' };
    const judged = judge(fields) as Storable;
    expect(judged.windows.fresh).to.equal(60_000);
    expect(judged).to.deep.include({ authorized: true, mayBeStale: true, vary: ["accept"] });
    expect(judged.unstored.has("connection")).to.equal(true);
  });

  it("lets a page without timeout store only what carries its own lifetime", () => {
    expect(judge({})).to.equal("no-lifetime");
    expect(judge({ "cache-control": "public" })).to.equal("no-lifetime");
    expect(judge({ "cache-control": "max-age=1" })).to.be.an("object");
  });

  it("stores by the timeout what carries no lifetime, 200 alone", () => {
    expect(judge({}, { timeout: 5000 })).to.be.an("object");
    expect(judge({}, { timeout: 5000, status: 404 })).to.equal("status");
    expect(judge({}, { timeout: 5000, status: 404, statuses: [404] })).to.be.an("object");
    expect(judge({ "cache-control": "max-age=1" }, { status: 404 })).to.be.an("object");
  });

  it("goes by the response's own lifetime before the timeout", () => {
    const judged = judge({ "cache-control": "max-age=1" }, { timeout: 5000 }) as Storable;
    expect(judged.windows.fresh).to.equal(1000);
    expect(judge({ expires: "0" }, { timeout: 5000 })).to.equal("no-lifetime");
    expect(judge({ "cache-control": "max-age=soon" }, { timeout: 5000 })).to.equal("no-lifetime");
  });

  it("never stores what the timeout would, against what the response says", () => {
    const options = { timeout: 5000 };
    expect(judge({ "cache-control": "no-store" }, options)).to.equal("no-store");
    expect(judge({ "cache-control": "private" }, options)).to.equal("private");
    expect(judge({ "cache-control": "public; x" }, options)).to.equal("unparsable");
    expect(judge({ "set-cookie": ["a=b"] }, options)).to.equal("set-cookie");
    expect(judge({}, { ...options, request: { authorization: "x" } })).to.equal("authorization");
    expect(judge({ pragma: "no-cache" }, options)).to.equal("no-lifetime");
  });

  it("keeps what must be revalidated each time, if it has a validator", () => {
    const fields = { "cache-control": "no-cache", etag: '"a"' };
    expect(judge(fields)).to.deep.include({ mayBeStale: false });
    expect(judge({ "cache-control": "no-cache" })).to.equal("no-lifetime");
  });

  it("obeys targeted fields by the option alone", () => {
    const fields = { "cache-control": "private", "cdn-cache-control": "max-age=60" };
    expect(judge(fields)).to.equal("private");
    expect(judge(fields, { targets: ["CDN-Cache-Control"] })).to.be.an("object");
    const closed = { "cache-control": "max-age=60", "cdn-cache-control": "no-store" };
    expect(judge(closed, { targets: ["CDN-Cache-Control"] })).to.equal("no-store");
  });

  it("compares a promised length with the body", () => {
    expect(lengthAgrees({}, 5)).to.equal(true);
    expect(lengthAgrees({ "content-length": 5 }, 5)).to.equal(true);
    expect(lengthAgrees({ "content-length": "6" }, 5)).to.equal(false);
    expect(lengthAgrees({ "content-length": "05" }, 5)).to.equal(false);
  });
});
