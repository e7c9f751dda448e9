import { expect } from "chai";
import { parseList } from "structured-headers";
import { cacheStatusMember, hitMember, withMember } from "../../src/response/cache-status.js";

const detail = (text: string) => cacheStatusMember({ fwd: "miss", detail: text });

describe("Cache-Status (RFC 9211)", () => {
  it("tells of a hit, and how long it is fresh", () => {
    expect(hitMember(30_999)).to.equal("koa-caching;hit;ttl=30");
    expect(hitMember(-1)).to.equal("koa-caching;hit;ttl=-1");
    expect(hitMember(Infinity)).to.equal("koa-caching;hit");
    expect(hitMember(1e30)).to.equal("koa-caching;hit;ttl=999999999999999");
  });

  it("tells why a request went on, and what became of the answer", () => {
    expect(cacheStatusMember({ fwd: "uri-miss", stored: true, ttl: 1000 })).to.equal(
      "koa-caching;fwd=uri-miss;ttl=1;stored",
    );
    expect(cacheStatusMember({ fwd: "stale", fwdStatus: 304, collapsed: true })).to.equal(
      "koa-caching;fwd=stale;fwd-status=304;collapsed",
    );
    expect(cacheStatusMember({ fwd: "bypass", stored: false })).to.equal("koa-caching;fwd=bypass");
  });

  it("gives details as a token where it can, else as text", () => {
    expect(detail("set-cookie")).to.equal("koa-caching;fwd=miss;detail=set-cookie");
    expect(detail("read ctx.session")).to.equal('koa-caching;fwd=miss;detail="read ctx.session"');
    expect(detail("504")).to.equal('koa-caching;fwd=miss;detail="504"');
    expect(detail('ä"\n')).to.equal('koa-caching;fwd=miss;detail="?\\"?"');
  });

  it("stands after what caches nearer to the origin wrote, as a list", () => {
    expect(withMember(undefined, "koa-caching;hit")).to.equal("koa-caching;hit");
    expect(withMember("", "koa-caching;hit")).to.equal("koa-caching;hit");
    const field = withMember("Origin; fwd=miss", detail("a b"));
    expect(parseList(field).map(([name]) => String(name))).to.deep.equal(["Origin", "koa-caching"]);
  });
});
