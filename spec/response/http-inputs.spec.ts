import { expect } from "chai";
import Koa, { type Context, type Middleware } from "koa";
import mount from "koa-mount";
import { currentContext, type CacheEvent, type PageOptions } from "koa-caching";
import type { Reply } from "../support/http-client.js";
import { sites, type PageHandler, type SiteOptions } from "../support/page-site.js";

describe("over HTTP, inputs that tell who somebody is", () => {
  const open = sites();

  describe("ctx.state as a whole", () => {
    const login: Middleware = (ctx, next) => {
      const sid = ctx.cookies.get("sid");
      if (sid !== undefined) ctx.state["user"] = { name: sid };
      return next();
    };
    const greeting = (state: object): string => {
      const { user } = state as { user?: { name: string } };
      return `hello ${user?.name ?? "nobody"}`;
    };
    const ways: Readonly<Record<string, (ctx: Context) => string>> = {
      spread: (ctx) => greeting({ ...ctx.state }),
      assigned: (ctx) => greeting(Object.assign({}, ctx.state)),
      "as JSON": (ctx) => greeting(JSON.parse(JSON.stringify(ctx.state)) as object),
      "asked by in": (ctx) => ("user" in ctx.state ? greeting(ctx.state) : "hello nobody"),
      "asked by hasOwn()": (ctx) =>
        Object.hasOwn(ctx.state, "user") ? greeting(ctx.state) : "hello nobody",
      "its keys": (ctx) =>
        Object.keys(ctx.state).includes("user") ? greeting(ctx.state) : "hello nobody",
      "spread over itself": (ctx) => {
        ctx.state = { ...ctx.state, title: "a" };
        return greeting(ctx.state);
      },
    };
    for (const [way, read] of Object.entries(ways)) {
      it(`gives each user his own, ${way}`, async () => {
        const site = await open(
          (ctx) => {
            ctx.body = read(ctx);
          },
          { outside: [login] },
        );
        for (const user of ["nobody", "ann", "nobody", "nobody", "bob", "ann", "nobody"]) {
          const headers = user === "nobody" ? {} : { Cookie: `sid=${user}` };
          expect((await site.ask({ headers })).text).to.equal(`hello ${user}`);
        }
      });
    }

    it("is shared by all who are nobody, where it is listed", async () => {
      const site = await open(
        (ctx) => {
          ctx.body = greeting({ ...ctx.state });
        },
        { outside: [login] },
      );
      await site.askTimes(4);
      expect(site.runs).to.equal(1);
    });

    it("holds what was put in it beneath", async () => {
      const site = await open((ctx, run) => {
        ctx.state["user"] = { name: "made" };
        ctx.state["title"] = "a";
        ctx.body = `${greeting({ ...ctx.state })} ${String(ctx.state["title"])} ${run}`;
      });
      for (const { text } of await site.askTimes(3)) expect(text).to.equal("hello made a 1");
    });
  });

  describe("a middleware beneath that takes fields away changes nothing of what the client asked", () => {
    const taking =
      (name: string): Middleware =>
      (ctx, next) => {
        ctx.state["taken"] = ctx.req.headers[name];
        Reflect.deleteProperty(ctx.req.headers, name);
        return next();
      };
    for (const [name, value] of [
      ["cookie", "sid=ann"],
      ["authorization", "Bearer ann"],
      ["accept-language", "de"],
    ] as const) {
      it(name, async () => {
        const site = await open(() => undefined, {
          mount: (cache) => {
            const app = new Koa();
            app.use(cache.page({ timeout: 60 })).use(taking(name));
            app.use((ctx) => {
              ctx.vary(name);
              ctx.body = `for ${String(ctx.state["taken"])}`;
            });
            return mount(app) as Middleware;
          },
        });
        for (const round of [1, 2]) {
          const theirs = await site.ask({ headers: { [name]: value } });
          expect(theirs.text, `round ${round}`).to.equal(`for ${value}`);
          expect((await site.ask()).text, `round ${round}`).to.equal("for undefined");
        }
      });
    }
  });
  const ann = { Cookie: "sid=ann; theme=dark", Authorization: "Bearer ann" };
  const bob = { Cookie: "sid=bob; theme=light", Authorization: "Bearer bob" };

  /** Each of two users asks twice; gives the four texts. */
  async function texts(handler: PageHandler, options: SiteOptions = {}): Promise<string[]> {
    const site = await open(handler, options);
    const replies: Reply[] = [];
    for (const { Cookie } of [ann, bob, ann, bob]) {
      replies.push(await site.ask({ headers: { Cookie } }));
    }
    return replies.map(({ text }) => text);
  }

  const sid = (ctx: Context) => ctx.cookies.get("sid") ?? "nobody";
  const deep = async () => Promise.resolve().then(() => sid(currentContext()));

  describe("are not shared where nothing declares them", () => {
    const careless: Readonly<Record<string, (ctx: Context) => unknown>> = {
      "ctx.cookies.get()": sid,
      "a helper deep beneath": deep,
      "ctx.get()": (ctx) => ctx.get("cookie"),
      "ctx.headers": (ctx) => ctx.headers.cookie,
      "ctx.header": (ctx) => ctx.header.cookie,
      "ctx.request.headers": (ctx) => ctx.request.headers["cookie"],
      "ctx.req.headers": (ctx) => ctx.req.headers.cookie,
      "ctx.req.rawHeaders": (ctx) => ctx.req.rawHeaders.join(),
      "ctx.req.headersDistinct": (ctx) => String(ctx.req.headersDistinct["cookie"]),
      "all headers, copied": (ctx) => ({ ...ctx.headers })["cookie"],
      "all headers as JSON": (ctx) => JSON.stringify(ctx.request.toJSON()),
      "Object.entries()": (ctx) => Object.entries(ctx.headers).join(";"),
      destructuring: ({ headers: { cookie } }) => cookie,
      "ctx.request.ctx": (ctx) => sid(ctx.request.ctx),
      "a getter taken along": (ctx) => {
        const { cookies } = ctx;
        return cookies.get("sid");
      },
    };
    for (const [name, read] of Object.entries(careless)) {
      it(name, async () => {
        const all = await texts(async (ctx) => {
          ctx.body = `hello ${String(await read(ctx))}`;
        });
        expect(all[0]).to.contain("ann").and.not.contain("bob");
        expect(all[1]).to.contain("bob").and.not.contain("ann");
        expect(all.slice(2)).to.deep.equal(all.slice(0, 2));
      });
    }

    it("not even where the response says public", async () => {
      const all = await texts((ctx) => {
        ctx.set("Cache-Control", "public, s-maxage=600");
        ctx.body = sid(ctx);
      });
      expect(all).to.deep.equal(["ann", "bob", "ann", "bob"]);
    });

    it("nor where the cookie is absent: that it is absent tells something too", async () => {
      const site = await open((ctx) => {
        ctx.body = ctx.cookies.get("sid") ?? "log in";
      });
      expect((await site.ask()).text).to.equal("log in");
      expect((await site.ask({ headers: { Cookie: "sid=ann" } })).text).to.equal("ann");
    });

    const listing: Readonly<Record<string, (ctx: Context) => unknown>> = {
      "ctx.req.rawHeaders": (ctx) => ctx.req.rawHeaders.filter((text) => /sid|ann/.test(text)),
      "all headers, copied": (ctx) => ({ ...ctx.headers })["cookie"] ?? "none",
      "Object.keys()": (ctx) => Object.keys(ctx.headers).includes("cookie"),
      "for … in": (ctx) => {
        let found = false;
        for (const name in ctx.headers) found ||= name === "cookie";
        return found;
      },
    };
    for (const [name, list] of Object.entries(listing)) {
      it(`nor where all fields are listed, by ${name}, and none of them is there`, async () => {
        const handler: PageHandler = (ctx) => {
          ctx.body = { found: list(ctx) };
        };
        const alone = await open(handler);
        const expected = await alone.ask({ headers: { Cookie: "sid=ann" } });
        const site = await open(handler);
        await site.ask();
        const reply = await site.ask({ headers: { Cookie: "sid=ann" } });
        expect(reply.text).to.equal(expected.text);
      });
    }

    it("nor where they are read after the body was set", async () => {
      const all = await texts(async (ctx) => {
        const body = { user: "" };
        ctx.body = body;
        await Promise.resolve();
        body.user = sid(ctx);
      });
      expect(all).to.deep.equal(["ann", "bob", "ann", "bob"].map((user) => `{"user":"${user}"}`));
    });

    it("Authorization, public or not", async () => {
      const site = await open((ctx) => {
        ctx.set("Cache-Control", "public, max-age=60");
        ctx.body = ctx.get("authorization");
      });
      for (const { Authorization } of [ann, bob, ann]) {
        expect((await site.ask({ headers: { Authorization } })).text).to.equal(Authorization);
      }
    });

    it("the session", async () => {
      const all = await texts(
        (ctx) => {
          ctx.body = (ctx["session"] as { user: string }).user;
        },
        {
          outside: [
            (ctx, next) => {
              const user = ctx.cookies.get("sid");
              Object.defineProperty(ctx, "session", { configurable: true, get: () => ({ user }) });
              return next();
            },
          ],
        },
      );
      expect(all).to.deep.equal(["ann", "bob", "ann", "bob"]);
    });

    it("the user that a middleware outside found", async () => {
      const all = await texts(
        (ctx) => {
          ctx.body = String(ctx.state["user"]);
        },
        {
          outside: [
            (ctx, next) => {
              ctx.state["user"] = ctx.cookies.get("sid");
              return next();
            },
          ],
        },
      );
      expect(all).to.deep.equal(["ann", "bob", "ann", "bob"]);
    });

    it("the address", async () => {
      const site = await open(
        (ctx) => {
          ctx.body = ctx.ip;
        },
        { app: { proxy: true } },
      );
      for (const address of ["1.1.1.1", "2.2.2.2"]) {
        const { text } = await site.ask({ headers: { "X-Forwarded-For": address } });
        expect(text).to.equal(address);
      }
    });

    it("a cookie that the middleware beneath the page reads", async () => {
      const all = await texts(
        (ctx) => {
          ctx.body = String(ctx.state["locale"]);
        },
        {
          mount: (cache, handler) => {
            const page = cache.page({ timeout: 60 });
            return (ctx) =>
              page(ctx, async () => {
                ctx.state["locale"] = ctx.cookies.get("sid");
                await handler(ctx, async () => undefined);
              });
          },
        },
      );
      expect(all).to.deep.equal(["ann", "bob", "ann", "bob"]);
    });

    it("those who wait run their own handler", async () => {
      const site = await open(async (ctx) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        ctx.body = sid(ctx);
      });
      const users = Array.from({ length: 60 }, (_, index) => `user${index}`);
      const replies = await Promise.all(
        users.map((user) => site.ask({ headers: { Cookie: `sid=${user}` } })),
      );
      expect(replies.map(({ text }) => text)).to.deep.equal(users);
    });

    it("an `unkeyed` event says what was read, and the response says so too", async () => {
      const site = await open((ctx) => {
        ctx.body = sid(ctx);
      });
      const events: CacheEvent[] = [];
      site.cache.on("unkeyed", (event) => events.push(event));
      const reply = await site.ask();
      expect(events.length).to.equal(1);
      expect(events[0]!.detail).to.contain("cookie:sid");
      expect(reply.cacheStatus).to.not.contain("stored");
    });
  });

  describe("select where they are declared", () => {
    const declaring: readonly (readonly [string, PageOptions, PageHandler])[] = [
      ["by vary: Cookie", { vary: ["Cookie"] }, (ctx) => (ctx.body = sid(ctx))],
      ["by one cookie's name", { vary: ["cookie:sid"] }, (ctx) => (ctx.body = sid(ctx))],
      [
        "by the response's Vary",
        {},
        (ctx) => {
          ctx.vary("Cookie");
          ctx.body = sid(ctx);
        },
      ],
      [
        "by a keyPrefix that reads them",
        { keyPrefix: (ctx: Context) => `of ${sid(ctx)}` },
        (ctx) => (ctx.body = sid(ctx)),
      ],
    ];
    for (const [name, page, handler] of declaring) {
      it(name, async () => {
        const site = await open(async (ctx, run) => void (await handler(ctx, run)), {
          page: { timeout: 60, ...page },
        });
        for (const round of [1, 2]) {
          for (const user of ["ann", "bob"]) {
            const reply = await site.ask({ headers: { Cookie: `sid=${user}` } });
            expect(reply.text, `round ${round}`).to.equal(user);
          }
        }
        expect(site.runs).to.equal(2);
      });
    }

    it("one cookie's name does not cover another cookie", async () => {
      const all = await texts(
        (ctx) => {
          ctx.body = `${sid(ctx)} ${ctx.cookies.get("theme")}`;
        },
        { page: { timeout: 60, vary: ["cookie:theme"] } },
      );
      expect(all).to.deep.equal(["ann dark", "bob light", "ann dark", "bob light"]);
    });

    it("other cookies make no other variants", async () => {
      const site = await open(
        (ctx) => {
          ctx.body = ctx.cookies.get("theme") ?? "";
        },
        { page: { timeout: 60, vary: ["cookie:theme"] } },
      );
      for (const user of ["ann", "bob", "eve"]) {
        const reply = await site.ask({ headers: { Cookie: `sid=${user}; theme=dark` } });
        expect(reply.text).to.equal("dark");
        expect(reply.headers.vary?.toLowerCase()).to.equal("cookie");
      }
      expect(site.runs).to.equal(1);
    });

    it("Authorization, with Vary and public", async () => {
      const site = await open((ctx) => {
        ctx.set("Cache-Control", "public, max-age=60");
        ctx.vary("Authorization");
        ctx.body = ctx.get("authorization");
      });
      for (let round = 0; round < 2; round += 1) {
        for (const { Authorization } of [ann, bob]) {
          expect((await site.ask({ headers: { Authorization } })).text).to.equal(Authorization);
        }
      }
      expect(site.runs).to.equal(2);
    });

    it("what a keyPrefix reads, whatever it makes of it", async () => {
      const site = await open(
        (ctx) => {
          ctx.body = `${String(ctx.cookies.get("sid"))} ${JSON.stringify(ctx.state["user"])}`;
        },
        {
          page: {
            timeout: 60,
            keyPrefix: (ctx: Context) => {
              const { role } = ctx.state["user"] as { role: string };
              return ctx.cookies.get("sid") === undefined ? "out" : role;
            },
          },
          outside: [
            (ctx, next) => {
              const name = ctx.cookies.get("sid");
              ctx.state["user"] = { name, role: "writer" };
              return next();
            },
          ],
        },
      );
      for (const name of ["ann", "bob", "ann", "bob"]) {
        const { text } = await site.ask({ headers: { Cookie: `sid=${name}` } });
        expect(text).to.equal(`${name} {"name":"${name}","role":"writer"}`);
      }
      expect(site.runs).to.equal(2);
    });

    describe("nobody whose values cannot be told: he is not cached", () => {
      interface Named {
        readonly name: () => string;
      }
      class User {
        readonly #name: string;
        readonly level = 7;
        constructor(name: string) {
          this.#name = name;
        }
        name(): string {
          return this.#name;
        }
      }
      const users: Readonly<Record<string, (name: string) => Named>> = {
        "a class with a private field": (name) => new User(name),
        "a plain object that holds such a class": (name) => {
          const inner = new User(name);
          return Object.defineProperty({ inner }, "name", {
            value: () => inner.name(),
          }) as unknown as Named;
        },
        "a plain object with a Map": (name) => {
          const claims = new Map([["name", name]]);
          return Object.defineProperty({ claims }, "name", {
            value: () => claims.get("name"),
          }) as unknown as Named;
        },
        "a plain object with a function": (name) => ({ name: () => name }),
      };
      for (const [what, make] of Object.entries(users)) {
        it(what, async () => {
          const site = await open(
            (ctx) => {
              ctx.body = (ctx.state["user"] as Named).name();
            },
            {
              page: {
                timeout: 60,
                keyPrefix: (ctx: Context) => (ctx.state["user"] ? "in" : "out"),
              },
              outside: [
                (ctx, next) => {
                  ctx.state["user"] = make(String(ctx.cookies.get("sid")));
                  return next();
                },
              ],
            },
          );
          for (const name of ["ann", "bob", "ann", "bob"]) {
            expect((await site.ask({ headers: { Cookie: `sid=${name}` } })).text).to.equal(name);
          }
          expect(site.runs).to.equal(4);
        });
      }
    });

    it("nothing by makeCacheKey, which may leave it out", async () => {
      const site = await open(() => undefined, {
        mount: (cache) =>
          cache.cached(
            {
              timeout: 60,
              makeCacheKey: (ctx: Context) => (ctx.cookies.get("sid") ? "in" : "out"),
            },
            async (ctx: Context) => {
              ctx.body = ctx.cookies.get("sid");
            },
          ) as Middleware,
      });
      for (const name of ["ann", "bob", "ann"]) {
        expect((await site.ask({ headers: { Cookie: `sid=${name}` } })).text).to.equal(name);
      }
    });

    it("the user, by a keyPrefix made of him", async () => {
      const site = await open(
        (ctx) => {
          ctx.body = String(ctx.state["user"]);
        },
        {
          page: { timeout: 60, keyPrefix: (ctx: Context) => `of ${String(ctx.state["user"])}` },
          outside: [
            (ctx, next) => {
              ctx.state["user"] = ctx.cookies.get("sid");
              return next();
            },
          ],
        },
      );
      for (const user of ["ann", "bob", "ann", "bob"]) {
        expect((await site.ask({ headers: { Cookie: `sid=${user}` } })).text).to.equal(user);
      }
      expect(site.runs).to.equal(2);
    });
  });

  describe("of middleware outside of the page", () => {
    it("do not count: only what the handlers read does", async () => {
      const site = await open(
        (ctx) => {
          ctx.body = "public";
        },
        {
          outside: [
            async (ctx, next) => {
              ctx.state["user"] = sid(ctx);
              await next();
              ctx.set("X-User", sid(ctx));
            },
          ],
        },
      );
      for (const user of ["ann", "bob"]) {
        const reply = await site.ask({ headers: { Cookie: `sid=${user}` } });
        expect([reply.text, reply.headers["x-user"]]).to.deep.equal(["public", user]);
      }
      expect(site.runs).to.equal(1);
    });

    it("what it sets belongs to the other request: nonces, tokens, CORS, cookies", async () => {
      let nonce = 0;
      const site = await open(
        (ctx) => {
          ctx.vary("Accept");
          ctx.append("Link", "<b>; rel=next");
          ctx.body = "public";
        },
        {
          outside: [
            (ctx, next) => {
              nonce += 1;
              ctx.set({
                "Content-Security-Policy": `script-src 'nonce-${nonce}'`,
                "X-CSRF-Token": sid(ctx),
                "Access-Control-Allow-Origin": ctx.get("origin"),
                Link: `<a${nonce}>; rel=preload`,
              });
              ctx.vary("X-Outer");
              ctx.cookies.set("last", sid(ctx));
              return next();
            },
          ],
        },
      );
      for (const [index, user] of ["ann", "bob"].entries()) {
        const { headers } = await site.ask({
          headers: { Cookie: `sid=${user}`, Origin: `https://${user}.example` },
        });
        expect(headers["content-security-policy"]).to.equal(`script-src 'nonce-${index + 1}'`);
        expect(headers["x-csrf-token"]).to.equal(user);
        expect(headers["access-control-allow-origin"]).to.equal(`https://${user}.example`);
        expect(headers["set-cookie"]).to.deep.equal([`last=${user}; path=/; httponly`]);
        expect(headers.vary).to.equal("X-Outer, Accept");
        expect(headers.link).to.equal(`<a${index + 1}>; rel=preload, <b>; rel=next`);
      }
      expect(site.runs).to.equal(1);
    });

    it("a field that the handlers removed stays removed", async () => {
      const site = await open(
        (ctx) => {
          ctx.remove("X-Frame-Options");
          ctx.body = "embeddable";
        },
        { outside: [(ctx, next) => (ctx.set("X-Frame-Options", "DENY"), next())] },
      );
      for (const reply of await site.askTimes(2)) {
        expect(reply.headers).to.not.have.property("x-frame-options");
      }
      expect(site.runs).to.equal(1);
    });
  });
});
