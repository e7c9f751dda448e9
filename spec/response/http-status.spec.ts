import { expect } from "chai";
import { parseList } from "structured-headers";
import type { Reply } from "../support/http-client.js";
import { answering, sites, stopDate } from "../support/page-site.js";

/** The parameters of the last member, which is this cache's. */
function told({ cacheStatus }: Reply): Readonly<Record<string, unknown>> {
  const [name, parameters] = parseList(cacheStatus).at(-1)!;
  expect(String(name)).to.equal("koa-caching");
  return Object.fromEntries(
    [...parameters].map(([key, value]) => [key, typeof value === "object" ? String(value) : value]),
  );
}

describe("over HTTP, Cache-Status (RFC 9211)", () => {
  const open = sites();
  const { pass } = stopDate();

  it("a miss says uri-miss and stored", async () => {
    const site = await open(answering({}));
    expect(told(await site.ask())).to.include({ fwd: "uri-miss", stored: true });
  });

  it("a hit says hit and how long it is fresh", async () => {
    const site = await open(answering({}));
    await site.ask();
    pass(10);
    expect(told(await site.ask())).to.deep.equal({ hit: true, ttl: 50 });
  });

  it("hit and fwd exclude each other", async () => {
    const site = await open(answering({}), { page: { timeout: 10, staleWhileRevalidate: 10 } });
    await site.ask();
    for (const seconds of [0, 11, 30]) {
      pass(seconds);
      const status = told(await site.ask());
      expect("hit" in status).to.not.equal("fwd" in status);
      await site.cache.idle();
    }
  });

  it("a variant that is missing says vary-miss", async () => {
    const site = await open(answering({ Vary: "X-A" }));
    await site.ask({ headers: { "X-A": "1" } });
    const other = await site.ask({ headers: { "X-A": "2" } });
    expect(told(other)).to.include({ fwd: "vary-miss", stored: true });
  });

  it("a stale page that is made anew says stale", async () => {
    const site = await open(answering({ ETag: '"1"' }), {
      page: { timeout: 10, staleIfError: 60 },
    });
    await site.ask();
    pass(11);
    expect(told(await site.ask())).to.include({ fwd: "stale" });
  });

  it("a stale page that is served has a negative ttl", async () => {
    const site = await open(answering({}), { page: { timeout: 10, staleWhileRevalidate: 60 } });
    await site.ask();
    pass(15);
    expect(told(await site.ask())).to.include({ hit: true, ttl: -5 });
  });

  it("other methods say method", async () => {
    const site = await open(answering({}));
    const status = told(await site.ask({ method: "POST" }));
    expect(status).to.include({ fwd: "method" });
    expect(status).to.not.have.property("stored");
  });

  it("what is left to the handlers says bypass", async () => {
    const site = await open(answering({}));
    expect(told(await site.ask({ headers: { "If-Match": "*" } }))).to.include({ fwd: "bypass" });
    const off = await open(answering({}), { page: { timeout: 60, unless: () => true } });
    expect(told(await off.ask())).to.include({ fwd: "bypass" });
  });

  it("who waited for another request says collapsed", async () => {
    const site = await open(async (ctx) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      ctx.body = "a";
    });
    const replies = await Promise.all(Array.from({ length: 5 }, () => site.ask()));
    const collapsed = replies.filter((reply) => told(reply)["collapsed"] === true);
    expect(collapsed.length).to.equal(4);
  });

  const reasons: readonly (readonly [string, Record<string, string>])[] = [
    ["private", { "Cache-Control": "private" }],
    ["no-store", { "Cache-Control": "no-store" }],
    ["set-cookie", { "Set-Cookie": "a=1" }],
    ["vary", { Vary: "*" }],
    ["unparsable", { "Cache-Control": 'private="' }],
  ];
  for (const [detail, fields] of reasons) {
    it(`what is not stored says why: ${detail}`, async () => {
      const site = await open(answering(fields));
      const status = told(await site.ask());
      expect(status).to.include({ fwd: "uri-miss", detail });
      expect(status).to.not.have.property("stored");
    });
  }

  it("names the input that was read without being declared", async () => {
    const site = await open((ctx) => {
      ctx.body = ctx.cookies.get("sid") ?? "";
    });
    expect(told(await site.ask())["detail"]).to.match(/unkeyed|cookie:sid/);
  });

  it("is there where the handler throws", async () => {
    const site = await open((ctx) => ctx.throw(403));
    const reply = await site.ask();
    expect(reply.status).to.equal(403);
    expect(told(reply)).to.include({ fwd: "uri-miss" });
  });

  it("is there on bypasses that throw", async () => {
    const site = await open((ctx) => ctx.throw(403));
    expect(told(await site.ask({ method: "POST" }))).to.include({ fwd: "method" });
  });

  it("is there on 304 and 504", async () => {
    const site = await open(answering({}));
    const late = await site.ask({ headers: { "Cache-Control": "only-if-cached" } });
    expect(late.cacheStatus).to.contain("koa-caching");
    await site.ask();
    const reply = await site.ask({ headers: { "If-None-Match": "*" } });
    expect(reply.status).to.equal(304);
    expect(told(reply)).to.include({ hit: true });
  });

  it("comes after what caches nearer to the origin wrote", async () => {
    const site = await open(answering({ "Cache-Status": "origin; hit" }));
    const [miss, hit] = await site.askTimes(2);
    for (const reply of [miss!, hit!]) {
      expect(parseList(reply.cacheStatus).length).to.equal(2);
      expect(reply.cacheStatus).to.match(/^origin/);
      told(reply);
    }
  });

  it("always parses", async () => {
    const site = await open((ctx) => {
      ctx.body = ctx.cookies.get("größe; x=\"'") ?? "";
    });
    told(await site.ask());
  });
});
