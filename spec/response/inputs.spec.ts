import { format, inspect } from "node:util";
import { expect } from "chai";
import Koa, { type Context } from "koa";
import { requestFields } from "../../src/response/request-headers.js";
import {
  uncovered,
  watchInputs,
  type Input,
  type WatchOptions,
} from "../../src/response/inputs.js";
import { koaContext } from "../support/koa-context.js";

const CREDENTIALS = { cookie: "sid=1; theme=dark", authorization: "Bearer x" };

function readsOf(
  read: (ctx: Context) => unknown,
  {
    ctx = koaContext({ headers: { ...CREDENTIALS, accept: "a/b" } }),
    ...options
  }: WatchOptions & {
    ctx?: Context;
  } = {},
): readonly Input[] {
  const watch = watchInputs(ctx, options);
  read(ctx);
  watch.end();
  return [...watch.reads.keys()];
}

describe("the inputs that tell who somebody is", () => {
  const table: readonly (readonly [string, (ctx: Context) => unknown, readonly Input[]])[] = [
    ["a cookie", (ctx) => ctx.cookies.get("theme"), ["cookie:theme"]],
    [
      "two cookies",
      (ctx) => [ctx.cookies.get("a"), ctx.cookies.get("b")],
      ["cookie:a", "cookie:b"],
    ],
    ["the Cookie field", (ctx) => ctx.headers.cookie, ["cookie"]],
    ["the same by get()", (ctx) => ctx.get("Cookie"), ["cookie"]],
    ["the same of the request", (ctx) => ctx.request.header.cookie, ["cookie"]],
    ["the same of Node's request", (ctx) => ctx.req.headers["cookie"], ["cookie"]],
    ["whether there is a Cookie", (ctx) => "cookie" in ctx.headers, ["cookie"]],
    ["the same by hasOwn()", (ctx) => Object.hasOwn(ctx.headers, "cookie"), ["cookie"]],
    ["Authorization", (ctx) => ctx.get("authorization"), ["authorization"]],
    ["Proxy-Authorization", (ctx) => ctx.headers["proxy-authorization"], ["proxy-authorization"]],
    ["the names of all fields", (ctx) => Object.keys(ctx.headers), ["cookie", "authorization"]],
    ["all fields", (ctx) => ({ ...ctx.headers }), ["cookie", "authorization"]],
    ["all fields as JSON", (ctx) => JSON.stringify(ctx.request), ["cookie", "authorization"]],
    ["the raw fields", (ctx) => ctx.req.rawHeaders.length, ["cookie", "authorization"]],
    ["the raw fields by in", (ctx) => 0 in ctx.req.rawHeaders, ["cookie", "authorization"]],
    ["the raw fields shown", (ctx) => inspect(ctx.req.rawHeaders), ["cookie", "authorization"]],
    ["the fields shown", (ctx) => inspect(ctx.headers), ["cookie", "authorization"]],
    ["the fields shown by %o", (ctx) => format("%o", ctx.headers), ["cookie", "authorization"]],
    ["the request shown", (ctx) => inspect(ctx.request), ["cookie", "authorization"]],
    ["the distinct fields", (ctx) => ctx.req.headersDistinct, ["cookie", "authorization"]],
    ["the session", (ctx) => ctx["session"] as unknown, ["ctx.session"]],
    ["writing the session", (ctx) => (ctx["session"] = null), ["ctx.session"]],
    ["the address", (ctx) => ctx.ip, ["ctx.ip"]],
    ["the address of the request", (ctx) => ctx.request.ip, ["ctx.ip"]],
    ["the addresses", (ctx) => ctx.ips, ["ctx.ip"]],
    ["the address that a proxy tells", (ctx) => ctx.get("X-Forwarded-For"), ["ctx.ip"]],
    ["the user", (ctx) => ctx.state["user"] as unknown, ["ctx.state.user"]],
  ];
  for (const [name, read, expected] of table) {
    it(`${name}: ${expected.join(", ")}`, () => {
      expect(readsOf(read)).to.deep.equal(expected);
    });
  }

  const innocent: readonly (readonly [string, (ctx: Context) => unknown])[] = [
    ["another field", (ctx) => ctx.get("accept")],
    ["negotiation", (ctx) => [ctx.accepts("html"), ctx.acceptsEncodings("gzip")]],
    ["the URL and the query", (ctx) => [ctx.url, ctx.query, ctx.host, ctx.protocol]],
    ["other state", (ctx) => ctx.state["locale"] as unknown],
    ["freshness", (ctx) => ctx.fresh],
    ["setting a cookie", (ctx) => ctx.cookies.set("a", "b").set("c", "d")],
    ["the settings of the cookies", (ctx) => [ctx.cookies.secure, ctx.cookies.request.url]],
  ];
  for (const [name, read] of innocent) {
    it(`${name}: none`, () => {
      expect(readsOf(read)).to.deep.equal([]);
    });
  }

  it("are read by name even where they are absent", () => {
    const ctx = koaContext();
    expect(readsOf(() => [ctx.get("cookie"), ctx.cookies.get("a")], { ctx })).to.deep.equal([
      "cookie",
      "cookie:a",
    ]);
  });

  it("are read by listing fields, also where they are not: that tells something, too", () => {
    const ctx = koaContext({ headers: { accept: "a/b" } });
    const reads = readsOf(() => ({ ...ctx.headers }), { ctx });
    expect(reads).to.deep.equal(["cookie", "authorization"]);
  });

  it("are still what they were to who reads them", () => {
    const app = new Koa();
    app.keys = ["secret"];
    const ctx = koaContext({ headers: CREDENTIALS, app });
    ctx.state["user"] = { id: 7 };
    const watch = watchInputs(ctx);
    expect(ctx.cookies.get("theme", { signed: false })).to.equal("dark");
    expect(ctx.cookies).to.equal(ctx.cookies);
    expect(ctx.get("Authorization")).to.equal("Bearer x");
    expect({ ...ctx.headers }).to.deep.equal(CREDENTIALS);
    expect(ctx.req.rawHeaders).to.deep.equal(Object.entries(CREDENTIALS).flat());
    expect(ctx.state["user"]).to.deep.equal({ id: 7 });
    expect(ctx.ip).to.equal("");
    ctx.cookies.set("a", "b", { signed: true });
    expect(ctx.res.getHeader("set-cookie")).to.have.length(2);
    watch.end();
  });

  it("may be objects of another make", () => {
    const ctx = koaContext();
    const parsed = { sid: "1", all: () => ["sid"] };
    Object.assign(ctx, { cookies: parsed });
    expect(readsOf(() => (ctx.cookies as unknown as typeof parsed).sid, { ctx })).to.deep.equal([
      "cookie",
    ]);
    expect(readsOf(() => (ctx.cookies as unknown as typeof parsed).all(), { ctx })).to.deep.equal([
      "cookie",
    ]);
  });

  it("are one in a session that a middleware outside provides", () => {
    const app = new Koa();
    Object.defineProperty(app.context, "session", {
      get(this: Context) {
        return { sid: this.cookies.get("sid") };
      },
    });
    const ctx = koaContext({ headers: CREDENTIALS, app });
    expect(readsOf(() => ctx["session"] as unknown, { ctx })).to.deep.equal(["ctx.session"]);
    expect(ctx["session"]).to.deep.equal({ sid: "1" });
  });

  it("are not a user that was found beneath", () => {
    const ctx = koaContext();
    const read = () => {
      ctx.state["user"] = { id: 7 };
      return ctx.state["user"] as unknown;
    };
    expect(readsOf(read, { ctx })).to.deep.equal([]);
    expect(ctx.state["user"]).to.deep.equal({ id: 7 });
  });

  it("count only while they are watched", () => {
    const ctx = koaContext({ headers: CREDENTIALS });
    const watch = watchInputs(ctx);
    const { cookies, headers } = ctx;
    watch.end();
    expect([cookies.get("theme"), headers.cookie, ctx.ip]).to.have.length(3);
    expect([...watch.reads.keys()]).to.deep.equal([]);
  });

  it("do not count outside once the body flows", () => {
    const ctx = koaContext({ headers: CREDENTIALS });
    const watch = watchInputs(ctx);
    let outside = true;
    watch.release(() => outside);
    ctx.cookies.get("outer");
    outside = false;
    ctx.cookies.get("inner");
    expect([...watch.reads.keys()]).to.deep.equal(["cookie:inner"]);
    watch.end();
  });
});

describe("the watch", () => {
  it("leaves everything as it was", () => {
    const ctx = koaContext({ headers: CREDENTIALS });
    const { headers } = ctx.req;
    const owned = [ctx, ctx.request, ctx.req, ctx.state].map((part) =>
      Object.getOwnPropertyNames(part),
    );
    const watch = watchInputs(ctx);
    expect(ctx.req.headers).not.to.equal(headers);
    watch.end();
    expect(ctx.req.headers).to.equal(headers);
    expect(
      [ctx, ctx.request, ctx.req, ctx.state].map((part) => Object.getOwnPropertyNames(part)),
    ).to.deep.equal(owned);
  });

  it("keeps what the handler wrote", () => {
    const ctx = koaContext({ headers: CREDENTIALS });
    const watch = watchInputs(ctx);
    ctx.req.headers["x-a"] = "1";
    delete ctx.req.headers.cookie;
    ctx["session"] = { a: 1 };
    expect(ctx.get("x-a")).to.equal("1");
    watch.end();
    expect(ctx.req.headers).to.deep.equal({ authorization: "Bearer x", "x-a": "1" });
    expect(ctx["session"]).to.deep.equal({ a: 1 });
  });

  it("lets all fields be replaced", () => {
    const ctx = koaContext({ headers: CREDENTIALS });
    const watch = watchInputs(ctx);
    ctx.req.headers = { "x-a": "1" };
    expect(ctx.headers).to.deep.equal({ "x-a": "1" });
    watch.end();
    expect(ctx.headers).to.deep.equal({ "x-a": "1" });
  });

  it("shows the handler other fields, if told so", () => {
    const ctx = koaContext({ headers: { "if-none-match": '"mine"', range: "bytes=0-1" } });
    const fields = { "if-none-match": '"stored"', "if-modified-since": "x", range: undefined };
    const watch = watchInputs(ctx, { fields });
    expect({ ...ctx.headers }).to.deep.equal({
      "if-none-match": '"stored"',
      "if-modified-since": "x",
    });
    expect(ctx.get("range")).to.equal("");
    watch.end();
    expect(ctx.headers).to.deep.equal({ "if-none-match": '"mine"', range: "bytes=0-1" });
  });

  it("shows what stands in the raw list in the same way", () => {
    const ctx = koaContext({ headers: { "If-None-Match": '"mine"', Accept: "a/b" } });
    const list = ctx.req.rawHeaders;
    const watch = watchInputs(ctx, { fields: { "if-none-match": '"stored"', range: undefined } });
    const shown = ["Accept", "a/b", "if-none-match", '"stored"'];
    expect([...ctx.req.rawHeaders]).to.deep.equal(shown);
    expect(inspect(ctx.req.rawHeaders)).to.equal(inspect(shown));
    watch.end();
    expect(ctx.req.rawHeaders).to.equal(list);
    expect(list).to.deep.equal(["If-None-Match", '"mine"', "Accept", "a/b"]);
  });

  it("keeps what the handler wrote into the raw list", () => {
    const ctx = koaContext({ headers: { range: "bytes=0-1" } });
    const list = ctx.req.rawHeaders;
    const watch = watchInputs(ctx, { fields: { range: undefined } });
    ctx.req.rawHeaders.push("X-A", "1");
    expect(ctx.req.rawHeaders).to.deep.equal(["X-A", "1"]);
    watch.end();
    expect(list).to.deep.equal(["X-A", "1", "range", "bytes=0-1"]);
  });

  it("defines a field upon what the handler sees of it", () => {
    const ctx = koaContext({ headers: { range: "bytes=0-1", etag: "a" } });
    const watch = watchInputs(ctx, { fields: { range: undefined, etag: "b" } });
    Object.defineProperty(ctx.headers, "range", { enumerable: true });
    Object.defineProperty(ctx.headers, "etag", { writable: false, configurable: false });
    expect(ctx.headers).to.deep.equal({ range: undefined, etag: "b" });
    expect(Reflect.set(ctx.headers, "etag", "c")).to.equal(false);
    expect(Reflect.deleteProperty(ctx.headers, "etag")).to.equal(false);
    expect(Object.isFrozen(Object.freeze(ctx.headers))).to.equal(true);
    watch.end();
    expect(ctx.headers).to.deep.equal({ range: undefined, etag: "b" });
    expect(Object.isExtensible(ctx.headers)).to.equal(true);
  });

  it("stands before fields that are frozen already, or have no prototype", () => {
    const ctx = koaContext();
    const fields = Object.assign(Object.create(null) as object, { accept: "a/b", range: "c" });
    ctx.req.headers = Object.freeze(fields);
    Object.freeze(ctx.req.rawHeaders);
    const watch = watchInputs(ctx, { fields: { range: undefined } });
    expect(inspect(ctx.headers)).to.equal("[Object: null prototype] { accept: 'a/b' }");
    expect(Object.getPrototypeOf(ctx.headers)).to.equal(null);
    expect(Reflect.set(ctx.headers, "x-a", "1")).to.equal(false);
    expect(() => ctx.req.rawHeaders.push("x")).to.throw(TypeError);
    expect(Object.isFrozen(Object.freeze(ctx.headers))).to.equal(true);
    watch.end();
    expect(ctx.headers).to.equal(fields);
  });

  it("takes another prototype for the fields", () => {
    const ctx = koaContext({ headers: { accept: "a/b" } });
    const watch = watchInputs(ctx);
    Object.setPrototypeOf(ctx.headers, { inherited: "1" });
    expect(ctx.headers["inherited"]).to.equal("1");
    watch.end();
    expect(ctx.headers["inherited"]).to.equal("1");
  });

  it("reads the fields itself without noticing", () => {
    const ctx = koaContext({ headers: CREDENTIALS });
    expect(requestFields(ctx.req)).to.equal(ctx.req.headers);
    expect(readsOf(() => requestFields(ctx.req)["cookie"], { ctx })).to.deep.equal([]);
  });

  it("stands before requests that have getters alone, as those of HTTP/2", () => {
    const ctx = koaContext();
    const fields = { cookie: "a=1", accept: "a/b" };
    const lines = ["cookie", "a=1", "accept", "a/b"];
    const request = Object.create(
      {},
      {
        headers: { get: () => fields, configurable: true },
        rawHeaders: { get: () => lines, configurable: true },
      },
    ) as Context["req"];
    ctx.req = request;
    ctx.request.req = request;
    const watch = watchInputs(ctx);
    expect(ctx.get("accept")).to.equal("a/b");
    expect(watch.reads.size).to.equal(0);
    expect([ctx.get("cookie"), request.rawHeaders[0]]).to.deep.equal(["a=1", "cookie"]);
    expect([...watch.reads.keys()]).to.deep.equal(["cookie", "authorization"]);
    watch.end();
    expect(request.headers).to.equal(fields);
    expect(request.rawHeaders).to.equal(lines);
  });

  it("may stand in another", () => {
    const ctx = koaContext({ headers: CREDENTIALS });
    const outer = watchInputs(ctx, { fields: { range: "bytes=0-1" } });
    const inner = watchInputs(ctx, { fields: { "if-none-match": '"a"' } });
    expect(outer.reads.size).to.equal(0);
    expect([ctx.get("range"), ctx.get("if-none-match")]).to.deep.equal(["bytes=0-1", '"a"']);
    expect([ctx.get("cookie"), ctx.cookies.get("a"), ctx.ip, ctx["session"]]).to.have.length(4);
    const expected = ["cookie", "cookie:a", "ctx.ip", "ctx.session"];
    expect([...inner.reads.keys()]).to.deep.equal(expected);
    expect([...outer.reads.keys()]).to.deep.equal(expected);
    inner.end();
    expect(ctx.get("if-none-match")).to.equal("");
    outer.end();
    expect(ctx.headers).to.deep.equal(CREDENTIALS);
  });

  it("names the place in the code that read, if asked to", () => {
    const ctx = koaContext({ headers: CREDENTIALS });
    const watch = watchInputs(ctx, { places: true });
    ctx.cookies.get("theme");
    watch.end();
    expect(watch.reads.get("cookie:theme")).to.match(/inputs\.spec\.ts:\d+:\d+$/);
    expect(readsOf(() => ctx.ip, { ctx })).to.deep.equal(["ctx.ip"]);
  });
});

describe("what the key covers", () => {
  const table: readonly (readonly [Input, readonly string[], boolean])[] = [
    ["cookie", ["cookie"], true],
    ["cookie", ["cookie:a"], false],
    ["cookie:a", ["cookie:a"], true],
    ["cookie:a", ["cookie:b"], false],
    ["cookie:a", ["cookie"], true],
    ["ctx.session", ["cookie"], true],
    ["ctx.session", ["ctx.session"], true],
    ["ctx.session", ["cookie:sid"], false],
    ["authorization", ["authorization"], true],
    ["authorization", ["cookie"], false],
    ["ctx.state.user", ["ctx.state.user"], true],
    ["ctx.state.user", ["cookie", "authorization"], false],
    ["ctx.ip", ["ctx.ip"], true],
    ["ctx.ip", ["cookie"], false],
  ];
  for (const [input, covered, expected] of table) {
    it(`${input} by ${covered.join(", ")}: ${expected}`, () => {
      const left = uncovered(new Map([[input, undefined]]), new Set(covered));
      expect(left).to.deep.equal(expected ? [] : [input]);
    });
  }
});
