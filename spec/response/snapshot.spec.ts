import { expect } from "chai";
import type { Context } from "koa";
import { isPage } from "../../src/response/checked-page.js";
import type { Fields } from "../../src/response/fields.js";
import type { Storable } from "../../src/response/policy.js";
import {
  changesOf,
  fieldsOf,
  makePage,
  pageBytes,
  pageFields,
  settledBytes,
  takeHead,
  type Head,
  type Page,
} from "../../src/response/snapshot.js";
import { koaContext } from "../support/koa-context.js";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

const JUDGED: Storable = {
  windows: { fresh: 60_000, whileRevalidating: 60_000, ifError: 60_000, revalidatable: 60_000 },
  authorized: false,
  mayBeStale: true,
  vary: [],
  unstored: new Set(["connection", "x-secret"]),
};

function headOf(outside: (ctx: Context) => void, beneath: (ctx: Context) => void): Head {
  const ctx = koaContext();
  outside(ctx);
  const before = fieldsOf(ctx);
  beneath(ctx);
  return takeHead(ctx, before);
}

function pageOf(beneath: (ctx: Context) => void, body = "x"): Page {
  const head = headOf(() => undefined, beneath);
  const response = { status: head.status, fields: head.fields, requestedAt: NOW, receivedAt: NOW };
  const page = makePage({ head, bytes: Buffer.from(body), response, userless: false }, JUDGED);
  if (typeof page === "string") throw new Error(page);
  return page;
}

describe("what was set beneath", () => {
  const table: readonly (readonly [string, Fields, Fields, ReturnType<typeof changesOf>])[] = [
    ["a new field", {}, { a: "1" }, { set: [["a", "1"]], added: [], removed: [] }],
    ["a number", {}, { a: 1 }, { set: [["a", "1"]], added: [], removed: [] }],
    ["a list", {}, { a: ["1", "2"] }, { set: [["a", ["1", "2"]]], added: [], removed: [] }],
    ["one that was there", { a: "1" }, { a: "1" }, { set: [], added: [], removed: [] }],
    ["a list that was there", { a: ["1"] }, { a: ["1"] }, { set: [], added: [], removed: [] }],
    ["another value", { a: "1" }, { a: "2" }, { set: [["a", "2"]], added: [], removed: [] }],
    ["a longer value", { a: "1" }, { a: "12" }, { set: [["a", "12"]], added: [], removed: [] }],
    ["an addition", { a: "1" }, { a: "1, 2" }, { set: [], added: [["a", "2"]], removed: [] }],
    ["a line", { a: ["1"] }, { a: ["1", "2"] }, { set: [], added: [["a", ["2"]]], removed: [] }],
    [
      "a second line",
      { a: "1" },
      { a: ["1", "2"] },
      { set: [], added: [["a", ["2"]]], removed: [] },
    ],
    ["other lines", { a: ["1"] }, { a: ["2"] }, { set: [["a", ["2"]]], added: [], removed: [] }],
    [
      "one line for several",
      { a: ["1"] },
      { a: "1,2" },
      { set: [["a", "1,2"]], added: [], removed: [] },
    ],
    ["a removal", { a: "1" }, {}, { set: [], added: [], removed: ["a"] }],
    ["from empty", { a: "" }, { a: ",b" }, { set: [["a", ",b"]], added: [], removed: [] }],
  ];
  for (const [name, before, after, expected] of table) {
    it(`is told by ${name}`, () => {
      expect(changesOf(before, after)).to.deep.equal(expected);
    });
  }

  it("is nothing of what the middleware outside set", () => {
    const { changes, fields } = headOf(
      (ctx) => ctx.set({ "X-Nonce": "n", "Cache-Control": "no-store", "Set-Cookie": "csrf=1" }),
      (ctx) => (ctx.body = "a"),
    );
    expect(changes.set.map(([name]) => name)).to.have.members(["content-type", "content-length"]);
    expect(fields).to.include({ "cache-control": "no-store" });
    expect(fields["set-cookie"]).to.equal(undefined);
  });

  it("is the cookie that a handler added to another", () => {
    const { fields, changes } = headOf(
      (ctx) => ctx.append("Set-Cookie", "csrf=1"),
      (ctx) => ctx.append("Set-Cookie", "sid=2"),
    );
    expect(fields["set-cookie"]).to.deep.equal(["sid=2"]);
    expect(changes.added).to.deep.equal([["set-cookie", ["sid=2"]]]);
  });

  it("is told although a list was added to in place", () => {
    const lines = ["a=1"];
    const { changes } = headOf(
      (ctx) => ctx.res.setHeader("set-cookie", lines),
      () => lines.push("b=2"),
    );
    expect(changes.added).to.deep.equal([["set-cookie", ["b=2"]]]);
  });

  it("is what a handler added to Vary", () => {
    const { changes, fields } = headOf(
      (ctx) => ctx.vary("Origin"),
      (ctx) => ctx.vary("Accept"),
    );
    expect(changes.added).to.deep.equal([["vary", "Accept"]]);
    expect(fields["vary"]).to.equal("Origin, Accept");
  });
});

const headWith = (body: unknown): Head =>
  headOf(
    () => undefined,
    (ctx) => (ctx.body = body),
  );

describe("a page", () => {
  it("has the status, the message, the kind of the body and the fields", () => {
    const page = pageOf((ctx) => {
      ctx.status = 404;
      ctx.message = "Nowhere";
      ctx.body = { a: 1 };
      ctx.set("X-A", "1");
    });
    expect(page).to.deep.include({ status: 404, message: "Nowhere", kind: "json", fresh: 60_000 });
    expect(pageFields(page)).to.include({ "x-a": "1" });
  });

  it("has no field that is not stored", () => {
    const page = pageOf((ctx) => ctx.set({ Connection: "close", "X-Secret": "s", "X-A": "1" }));
    expect(Object.keys(pageFields(page))).to.have.members(["x-a", "date"]);
  });

  it("has a Date, its own or when it was there (RFC 9110, section 6.6.1)", () => {
    expect(pageFields(pageOf(() => undefined))["date"]).to.equal("Fri, 02 Jan 2026 03:04:05 GMT");
    const own = "Fri, 02 Jan 2026 03:00:00 GMT";
    const page = pageOf((ctx) => ctx.set("Date", own));
    expect(pageFields(page)["date"]).to.equal(own);
    expect(page.initialAge).to.equal(245_000);
  });

  it("has an entity tag, its own or one made of the body", () => {
    const made = (body: string) => pageOf((ctx) => (ctx.status = 200), body).etag;
    expect(made("a")).to.match(/^W\/"[\w-]{27}"$/);
    expect(made("a")).to.equal(made("a"));
    expect(made("a")).not.to.equal(made("b"));
    const own = pageOf((ctx) => {
      ctx.status = 200;
      ctx.etag = "mine";
    });
    expect(own.etag).to.equal(undefined);
    expect(pageFields(own)["etag"]).to.equal('"mine"');
    expect(pageOf((ctx) => (ctx.status = 404)).etag).to.equal(undefined);
  });

  it("is not made of a body that is not as long as promised", () => {
    const head = headOf(
      () => undefined,
      (ctx) => ctx.set("Content-Length", "5"),
    );
    const response = { status: 200, fields: head.fields, requestedAt: NOW, receivedAt: NOW };
    const whole = { head, response, bytes: Buffer.from("1234"), userless: false };
    expect(makePage(whole, JUDGED)).to.equal("content-length");
    expect(makePage({ ...whole, bytes: Buffer.from("12345") }, JUDGED)).to.be.an("object");
  });

  it("is not made of a body that is too large, or that Koa cannot send", () => {
    expect(settledBytes(headWith("abc"), "abc", 2)).to.equal("too-large");
    expect(String(settledBytes(headWith("abc"), "abc", 3))).to.equal("abc");
    const big = { n: 1n };
    expect(settledBytes(headWith(big), big, 100)).to.equal("body");
  });

  it("is told from whatever else a store may hold", () => {
    const page = pageOf((ctx) => (ctx.body = "a"));
    expect(isPage(page)).to.equal(true);
    expect(isPage(structuredClone(page))).to.equal(true);
    const others = [
      undefined,
      null,
      "page",
      {},
      { ...page, body: "a" },
      { ...page, kind: "toString" },
    ];
    others.push({ ...page, status: "200" }, { ...page, removed: undefined });
    expect(others.filter(isPage)).to.deep.equal([]);
  });

  it("takes about as many bytes as its body and its fields", () => {
    const small = pageOf(() => undefined, "");
    expect(pageBytes(pageOf(() => undefined, "x".repeat(1000))) - pageBytes(small)).to.equal(1000);
  });
});
