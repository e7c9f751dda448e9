import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import Router from "@koa/router";
import { expect } from "chai";
import Koa, { type Context, type Middleware } from "koa";
import compress from "koa-compress";
import conditional from "koa-conditional-get";
import etag from "koa-etag";
import mount from "koa-mount";
import session from "koa-session";
import serve from "koa-static";
import type { Cache } from "koa-caching";
import type { Reply } from "../support/http-client.js";
import { sites } from "../support/page-site.js";

const LONG = "compress me, please. ".repeat(200);

/** Puts middleware between the page and its handler. */
function beneath(...inner: readonly Middleware[]) {
  return (cache: Cache, handler: Middleware, _app: Koa): Middleware => {
    const app = new Koa();
    app.use(cache.page({ timeout: 60 }));
    for (const middleware of inner) app.use(middleware);
    app.use(handler);
    return mount(app) as Middleware;
  };
}

function decoded({ headers, bytes }: Reply): string {
  if (headers["content-encoding"] === "gzip") return gunzipSync(bytes).toString();
  if (headers["content-encoding"] === "br") return brotliDecompressSync(bytes).toString();
  return bytes.toString();
}

describe("over HTTP, beside other middleware", () => {
  const open = sites();
  const encodings = ["gzip", "br", "identity", "gzip", "br", "identity"];

  describe("koa-compress", () => {
    for (const [place, isOutside] of [
      ["outside", true],
      ["beneath", false],
    ] as const) {
      it(`${place}: each client gets what it can read`, async () => {
        const site = await open(
          (ctx) => {
            ctx.body = LONG;
          },
          isOutside ? { outside: [compress()] } : { mount: beneath(compress()) },
        );
        for (const encoding of encodings) {
          const reply = await site.ask({ headers: { "Accept-Encoding": encoding } });
          expect(reply.headers["content-encoding"] ?? "identity").to.equal(encoding);
          expect(decoded(reply)).to.equal(LONG);
        }
        expect(site.runs).to.be.at.most(3);
      });
    }

    it("outside: a hit is sent in chunks over a connection that is kept, as a miss is", async () => {
      const site = await open(
        (ctx) => {
          ctx.body = LONG;
        },
        { outside: [compress({ threshold: 0 })] },
      );
      for (const reply of await site.askTimes(3, { headers: { "Accept-Encoding": "gzip" } })) {
        expect(reply.headers["transfer-encoding"]).to.equal("chunked");
        expect(reply.headers.connection).to.equal("keep-alive");
      }
    });

    it("outside: streams and JSON too", async () => {
      const site = await open(
        (ctx) => {
          ctx.body = { text: LONG };
        },
        { outside: [compress()] },
      );
      for (const encoding of encodings) {
        const reply = await site.ask({ headers: { "Accept-Encoding": encoding } });
        expect(JSON.parse(decoded(reply))).to.deep.equal({ text: LONG });
      }
      expect(site.runs).to.be.at.most(3);
    });
  });

  it("a middleware outside may look at the body when the answer has been sent", async () => {
    const seen: unknown[] = [];
    const site = await open(
      (ctx) => {
        ctx.body = { a: 1 };
      },
      {
        outside: [
          (ctx, next) => {
            ctx.res.once("finish", () => seen.push(ctx.body));
            return next();
          },
        ],
      },
    );
    for (const { text } of await site.askTimes(3)) expect(text).to.equal('{"a":1}');
    expect(seen).to.deep.equal([{ a: 1 }, { a: 1 }, { a: 1 }]);
  });

  describe("koa-conditional-get and koa-etag", () => {
    it("outside: 304 for who has the page, on hit and miss", async () => {
      const site = await open(
        (ctx) => {
          ctx.body = LONG;
        },
        { outside: [conditional(), etag()] },
      );
      const { headers } = await site.ask();
      for (let round = 0; round < 2; round += 1) {
        const reply = await site.ask({ headers: { "If-None-Match": headers.etag! } });
        expect([reply.status, reply.bytes.length]).to.deep.equal([304, 0]);
        const other = await site.ask({ headers: { "If-None-Match": '"other"' } });
        expect([other.status, other.text]).to.deep.equal([200, LONG]);
      }
      expect(site.runs).to.equal(1);
    });

    it("beneath: the tag is theirs, and a stale page is asked for with it", async () => {
      const site = await open(
        (ctx) => {
          ctx.set("Cache-Control", "max-age=0");
          ctx.body = LONG;
        },
        { mount: beneath(conditional(), etag()) },
      );
      const replies = await site.askTimes(3);
      for (const reply of replies) expect([reply.status, reply.text]).to.deep.equal([200, LONG]);
      const known = await site.ask({ headers: { "If-None-Match": replies[0]!.headers.etag! } });
      expect(known.status).to.equal(304);
    });
  });

  describe("koa-static", () => {
    const root = mkdtempSync(join(tmpdir(), "koa-caching-"));
    writeFileSync(join(root, "a.txt"), LONG);
    writeFileSync(join(root, "b.bin"), Buffer.from([0, 255, 1]));

    it("beneath: files are stored, whole and once", async () => {
      const site = await open(() => undefined, { mount: beneath(serve(root, { maxage: 60_000 })) });
      for (let round = 0; round < 3; round += 1) {
        const text = await site.ask("/a.txt");
        expect([text.status, text.text]).to.deep.equal([200, LONG]);
        const bytes = await site.ask("/b.bin");
        expect([...bytes.bytes]).to.deep.equal([0, 255, 1]);
      }
      const hit = await site.ask("/a.txt");
      expect(hit.cacheStatus).to.contain("hit");
      expect(hit.headers["content-length"]).to.equal(String(LONG.length));
      const same = await site.ask({
        path: "/a.txt",
        headers: { "If-Modified-Since": hit.headers["last-modified"]! },
      });
      expect(same.status).to.equal(304);
    });

    it("outside: what it answers never reaches the page", async () => {
      const site = await open(
        (ctx) => {
          ctx.body = "page";
        },
        { outside: [serve(root)] },
      );
      expect((await site.ask("/a.txt")).text).to.equal(LONG);
      expect((await site.ask("/")).text).to.equal("page");
      expect(site.runs).to.equal(1);
    });
  });

  describe("koa-session", () => {
    const withSession = (app: Koa): Middleware => session({ renew: false }, app);
    const cookieOf = ({ headers }: Reply) =>
      (headers["set-cookie"] ?? []).map((line) => line.split(";", 1)[0]).join("; ");

    for (const [place, isOutside] of [
      ["outside", true],
      ["beneath", false],
    ] as const) {
      it(`${place}: a page that reads the session is nobody else's`, async () => {
        const site = await open(
          (ctx) => {
            const data = ctx["session"] as Record<string, string>;
            if (ctx.query["name"] !== undefined) data["name"] = String(ctx.query["name"]);
            ctx.body = `hello ${data["name"] ?? "nobody"}`;
          },
          {
            app: { keys: ["a key"] },
            ...(isOutside
              ? { outermost: (app) => [withSession(app)] }
              : {
                  mount: (cache, handler, app) => beneath(withSession(app))(cache, handler, app),
                }),
          },
        );
        const ann = cookieOf(await site.ask("/?name=ann"));
        const bob = cookieOf(await site.ask("/?name=bob"));
        expect(ann).to.contain("koa.sess").and.not.equal(bob);
        for (let round = 0; round < 2; round += 1) {
          expect((await site.ask({ headers: { Cookie: ann } })).text).to.equal("hello ann");
          expect((await site.ask({ headers: { Cookie: bob } })).text).to.equal("hello bob");
          expect((await site.ask()).text).to.equal("hello nobody");
        }
      });
    }

    it("outside: a page that does not read the session is everybody's, and no cookie is lost", async () => {
      const site = await open(
        (ctx) => {
          ctx.body = "public";
        },
        {
          app: { keys: ["a key"] },
          outermost: (app) => [withSession(app)],
          outside: [
            (ctx, next) => {
              const data = ctx["session"] as Record<string, number>;
              data["visits"] = (data["visits"] ?? 0) + 1;
              return next();
            },
          ],
        },
      );
      const one = await site.ask();
      const two = await site.ask({ headers: { Cookie: cookieOf(one) } });
      expect(two.text).to.equal("public");
      expect(cookieOf(two)).to.contain("koa.sess").and.not.equal(cookieOf(one));
      expect(site.runs).to.equal(1);
    });
  });

  describe("@koa/router", () => {
    it("pages around single routes, with parameters", async () => {
      const runs: string[] = [];
      const site = await open(() => undefined, {
        mount: (cache) => {
          const router = new Router();
          for (const path of ["/posts/:id", "/users/:id"]) {
            router.get(path, cache.page({ timeout: 60 }), (ctx) => {
              runs.push(ctx.path);
              ctx.body = `${path} ${String(ctx.params["id"])}`;
            });
          }
          return router.routes() as unknown as Middleware;
        },
      });
      for (let round = 0; round < 2; round += 1) {
        expect((await site.ask("/posts/1")).text).to.equal("/posts/:id 1");
        expect((await site.ask("/posts/2")).text).to.equal("/posts/:id 2");
        expect((await site.ask("/users/1")).text).to.equal("/users/:id 1");
      }
      expect(runs).to.deep.equal(["/posts/1", "/posts/2", "/users/1"]);
    });

    it("a page around a whole router, with allowedMethods", async () => {
      const router = new Router();
      router.get("/a", (ctx) => {
        ctx.body = process.hrtime.bigint().toString();
      });
      const site = await open(() => undefined, {
        mount: beneath(
          router.routes() as unknown as Middleware,
          router.allowedMethods() as unknown as Middleware,
        ),
      });
      const first = await site.ask("/a");
      expect((await site.ask("/a")).text).to.equal(first.text);
      expect((await site.ask({ path: "/a", method: "POST" })).status).to.equal(405);
      expect((await site.ask({ path: "/a", method: "OPTIONS" })).status).to.equal(200);
      expect((await site.ask("/b")).status).to.equal(404);
    });
  });

  describe("pages in pages", () => {
    it("an inner page keeps what the outer one may not", async () => {
      let runs = 0;
      const site = await open(() => undefined, {
        page: {},
        mount: (cache) => {
          const app = new Koa();
          app.use(cache.page({ timeout: 10 }));
          app.use(async (ctx, next) => {
            await next();
            ctx.set("X-User", ctx.cookies.get("sid") ?? "nobody");
          });
          app.use(cache.page({ timeout: 60 }));
          app.use((ctx) => {
            runs += 1;
            ctx.body = "public";
          });
          return mount(app) as Middleware;
        },
      });
      for (const user of ["ann", "bob", "ann"]) {
        const reply = await site.ask({ headers: { Cookie: `sid=${user}` } });
        expect([reply.text, reply.headers["x-user"]]).to.deep.equal(["public", user]);
      }
      expect(runs).to.equal(1);
    });

    it("a cookie read in the inner one counts for the outer one, on its hits too", async () => {
      const site = await open(() => undefined, {
        mount: (cache) => {
          const app = new Koa();
          app.use(cache.page({ timeout: 60 }));
          app.use(cache.page({ timeout: 60, vary: ["cookie:sid"] }));
          app.use((ctx) => {
            ctx.body = ctx.cookies.get("sid");
          });
          return mount(app) as Middleware;
        },
      });
      for (const user of ["ann", "bob", "ann", "bob"]) {
        const reply = await site.ask({ headers: { Cookie: `sid=${user}` } });
        expect(reply.text).to.equal(user);
      }
    });
  });

  describe("middleware that answers by itself", () => {
    it("outside: a refusal never reaches the page, and the page never the refused", async () => {
      const guard: Middleware = async (ctx, next) => {
        if (ctx.get("authorization") !== "Basic right") ctx.throw(401);
        await next();
      };
      const site = await open(
        (ctx) => {
          ctx.set("Cache-Control", "public, max-age=60");
          ctx.body = "inside";
        },
        { outside: [guard] },
      );
      const right = { headers: { Authorization: "Basic right" } };
      expect((await site.ask(right)).text).to.equal("inside");
      expect((await site.ask()).status).to.equal(401);
      expect((await site.ask(right)).text).to.equal("inside");
      expect(site.runs).to.equal(1);
    });

    it("outside: what changes the body on the way out does so on hits too, once", async () => {
      const site = await open(
        (ctx, run) => {
          ctx.body = `run ${run}`;
        },
        {
          outside: [
            async (ctx, next) => {
              await next();
              ctx.body = `<${String(ctx.body)} ${ctx.get("x-a")}>`;
            },
          ],
        },
      );
      for (const a of ["1", "2", "3"]) {
        const reply = await site.ask({ headers: { "X-A": a } });
        expect(reply.text).to.equal(`<run 1 ${a}>`);
        expect(reply.headers["content-length"]).to.equal("9");
      }
    });

    it("outside: an error handler sees what the handler threw", async () => {
      const site = await open((ctx) => ctx.throw(418, "tea"), {
        outside: [
          async (ctx, next) => {
            try {
              await next();
            } catch (error) {
              ctx.status = 200;
              ctx.body = (error as Error).message;
            }
          },
        ],
      });
      for (const reply of await site.askTimes(2)) expect(reply.text).to.equal("tea");
      expect(site.runs).to.equal(2);
    });
  });
});

describe("over HTTP, a cached() view", () => {
  const open = sites();

  it("is stored by its timeout, with all that the handler set", async () => {
    const site = await open(
      (ctx, run) => {
        ctx.set("X-Run", String(run));
        ctx.type = "text/css";
        ctx.body = `run ${run}`;
      },
      {
        mount: (cache, handler) =>
          cache.cached({ timeout: 50 }, handler as (ctx: Context) => unknown) as Middleware,
      },
    );
    const [miss, hit] = await site.askTimes(2);
    expect(hit!.text).to.equal("run 1");
    expect(hit!.headers).to.include({
      "x-run": "1",
      "content-type": miss!.headers["content-type"]!,
    });
    expect(site.runs).to.equal(1);
  });

  it("keeps users apart as a page does", async () => {
    const site = await open(
      (ctx) => {
        ctx.body = ctx.cookies.get("sid") ?? "nobody";
      },
      {
        mount: (cache, handler) =>
          cache.cached({}, handler as (ctx: Context) => unknown) as Middleware,
      },
    );
    for (const user of ["ann", "bob", "ann"]) {
      expect((await site.ask({ headers: { Cookie: `sid=${user}` } })).text).to.equal(user);
    }
  });

  it("keys by the query unless told otherwise", async () => {
    const site = await open(
      (ctx, run) => {
        ctx.body = `run ${run}`;
      },
      {
        mount: (cache, handler) =>
          cache.cached(
            { timeout: 50, query: ["page"] },
            handler as (ctx: Context) => unknown,
          ) as Middleware,
      },
    );
    expect((await site.ask("/?page=1&x=1")).text).to.equal("run 1");
    expect((await site.ask("/?x=2&page=1")).text).to.equal("run 1");
    expect((await site.ask("/?page=2")).text).to.equal("run 2");
  });

  it("two views of one path do not meet", async () => {
    const site = await open(() => undefined, {
      mount: (cache) => {
        const one = cache.cached({}, async function one(ctx: Context) {
          ctx.body = "one";
        });
        const other = cache.cached({}, async function other(ctx: Context) {
          ctx.body = "other";
        });
        return (ctx) => (ctx.get("x-other") === "" ? one(ctx) : other(ctx));
      },
    });
    for (let round = 0; round < 2; round += 1) {
      expect((await site.ask()).text).to.equal("one");
      expect((await site.ask({ headers: { "X-Other": "1" } })).text).to.equal("other");
    }
  });

  it("passes next on, and what comes after it belongs to the view", async () => {
    const site = await open(() => undefined, {
      mount: (cache) => {
        const app = new Koa();
        let runs = 0;
        const view = cache.cached(
          { timeout: 60 },
          async (ctx: Context, next: () => Promise<unknown>) => {
            ctx.set("X-View", "1");
            await next();
          },
        );
        app.use(view);
        app.use((ctx) => {
          runs += 1;
          ctx.body = `run ${runs}`;
        });
        return mount(app) as Middleware;
      },
    });
    for (const reply of await site.askTimes(3)) {
      expect([reply.text, reply.headers["x-view"]]).to.deep.equal(["run 1", "1"]);
    }
  });
});
