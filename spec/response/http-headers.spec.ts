import { format, inspect } from "node:util";
import { expect } from "chai";
import type { Context } from "koa";
import { sites } from "../support/page-site.js";

const COOKIE = { Cookie: "sid=alice" };
const CONDITION = { "If-None-Match": '"secret"' };

describe("over HTTP, the headers of the request", () => {
  const open = sites();

  const ways: readonly (readonly [string, (ctx: Context) => string])[] = [
    ["util.inspect(ctx.headers)", (ctx) => inspect(ctx.headers)],
    ["util.inspect(ctx.request)", (ctx) => inspect(ctx.request)],
    ["util.inspect(ctx.req)", (ctx) => inspect(ctx.req)],
    ["%O of ctx.req.headers", (ctx) => format("%O", ctx.req.headers)],
    ["%o of ctx.req.headers", (ctx) => format("%o", ctx.req.headers)],
    ["util.inspect(ctx.req.rawHeaders)", (ctx) => inspect(ctx.req.rawHeaders)],
    ["%O of ctx.req.rawHeaders", (ctx) => format("%O", ctx.req.rawHeaders)],
    ["%o of ctx.req.rawHeaders", (ctx) => format("%o", ctx.req.rawHeaders)],
    ["JSON of ctx.req.rawHeaders", (ctx) => JSON.stringify(ctx.req.rawHeaders)],
    ["the keys of ctx.req.rawHeaders", (ctx) => Object.keys(ctx.req.rawHeaders).join()],
  ];
  for (const [name, show] of ways) {
    it(`are read by ${name}: a page with a cookie is not shared`, async () => {
      const site = await open((ctx) => {
        ctx.body = show(ctx);
      });
      const first = await site.ask({ headers: COOKIE });
      const second = await site.ask({ headers: { Cookie: "sid=bob" } });
      expect(site.runs).to.equal(2);
      expect(second.text).to.not.contain("alice");
      if (!name.includes("keys")) expect(first.text).to.contain("sid=alice");
    });

    it(`show no condition of the client by ${name}`, async () => {
      const site = await open((ctx) => {
        ctx.body = show(ctx);
      });
      const reply = await site.ask({ headers: CONDITION });
      expect(reply.text).to.not.match(/secret|none-match/i);
    });
  }

  for (const lock of [Object.freeze, Object.seal, Object.preventExtensions]) {
    it(`may be locked by Object.${lock.name}() as the handlers see them, and not outside`, async () => {
      let after: Context["headers"] = {};
      const site = await open(
        (ctx) => {
          lock(ctx.headers);
          lock(ctx.req.rawHeaders);
          const isLocked = !Reflect.set(ctx.headers, "x-new", "1");
          ctx.body = [isLocked, ctx.get("If-None-Match"), ctx.get("X-A")].join();
        },
        {
          outside: [
            async (ctx, next) => {
              await next();
              ctx.headers["x-later"] = "1";
              after = { ...ctx.headers };
            },
          ],
        },
      );
      const reply = await site.ask({ headers: { ...CONDITION, "X-A": "a" } });
      expect(reply.text).to.equal("true,,a");
      expect(after).to.include({ "if-none-match": '"secret"', "x-later": "1" });
    });
  }

  it("count as listed where they are frozen", async () => {
    const site = await open((ctx) => {
      ctx.body = Object.freeze(ctx.headers).cookie;
    });
    await site.ask({ headers: COOKIE });
    const reply = await site.ask({ headers: { Cookie: "sid=bob" } });
    expect(reply.text).to.equal("sid=bob");
  });

  const definitions: readonly PropertyDescriptor[] = [
    { value: "z" },
    { value: "z", configurable: true },
    { value: "z", configurable: false },
    { get: () => "z", configurable: true, enumerable: true },
  ];
  for (const definition of definitions) {
    it(`may have a hidden field defined: ${Object.entries(definition).join(" ")}`, async () => {
      const site = await open((ctx) => {
        Object.defineProperty(ctx.headers, "if-none-match", definition);
        const found = Object.getOwnPropertyDescriptor(ctx.headers, "if-none-match");
        const names = Object.getOwnPropertyNames(ctx.headers);
        const isListed = Object.keys(ctx.headers).includes("if-none-match");
        ctx.body = [
          ctx.get("if-none-match"),
          "if-none-match" in ctx.headers,
          names.includes("if-none-match"),
          isListed,
        ];
        ctx.set("X-Enumerable", String(found?.enumerable));
      });
      const reply = await site.ask({ headers: CONDITION });
      const isEnumerable = definition.enumerable === true;
      expect(JSON.parse(reply.text)).to.deep.equal(["z", true, true, isEnumerable]);
      expect(reply.headers["x-enumerable"]).to.equal(String(isEnumerable));
    });
  }

  it("are not written by what inherits from them", async () => {
    let after: Context["headers"] = {};
    const site = await open(
      (ctx) => {
        const child = Object.create(ctx.headers) as Context["headers"];
        child["foo"] = "1";
        child["if-none-match"] = "mine";
        ctx.body = [
          Object.keys(child),
          child["x-a"],
          "foo" in ctx.headers,
          ctx.get("if-none-match"),
        ];
      },
      { outside: [async (ctx, next) => (await next(), (after = ctx.headers))] },
    );
    const reply = await site.ask({ headers: { ...CONDITION, "X-A": "a" } });
    expect(JSON.parse(reply.text)).to.deep.equal([["foo", "if-none-match"], "a", false, ""]);
    expect(after).to.include({ "if-none-match": '"secret"' }).and.not.have.property("foo");
  });

  it("keep what a page in a page wrote, defined and deleted", async () => {
    let after: Context["headers"] = {};
    let raw: readonly string[] = [];
    const site = await open(
      async (ctx) => {
        const inner = site.cache.page({ timeout: 60, keyPrefix: "inner" });
        await inner(ctx, async () => {
          ctx.headers["x-written"] = "1";
          ctx.headers["if-modified-since"] = "written";
          Object.defineProperty(ctx.headers, "x-defined", { value: "2", enumerable: true });
          Object.defineProperty(ctx.headers, "if-none-match", { value: '"3"' });
          delete ctx.headers["x-a"];
          ctx.req.rawHeaders.push("X-Raw", "4");
          ctx.body = "inner";
        });
      },
      {
        outside: [
          async (ctx, next) => {
            await next();
            after = ctx.headers;
            raw = ctx.req.rawHeaders;
          },
        ],
      },
    );
    await site.ask({ headers: { ...CONDITION, "X-A": "a" } });
    expect(after).to.include({
      "x-written": "1",
      "if-modified-since": "written",
      "x-defined": "2",
    });
    expect(after["if-none-match"]).to.equal('"3"');
    expect(after).to.not.have.property("x-a");
    expect(raw).to.include.members(["X-Raw", "4", '"secret"']);
  });
});
