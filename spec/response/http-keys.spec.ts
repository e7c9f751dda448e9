import { expect } from "chai";
import Koa, { type Context, type Middleware } from "koa";
import mount from "koa-mount";
import { Cache, type PageOptions } from "koa-caching";
import type { Question, Reply } from "../support/http-client.js";
import { answering, sites } from "../support/page-site.js";

const byRun = answering({});

describe("over HTTP, which page a request selects", () => {
  const open = sites();

  /** Whether two requests are answered by the same page. */
  async function share(
    one: Question | string,
    other: Question | string,
    options: { page?: PageOptions; fields?: Record<string, string>; proxy?: boolean } = {},
  ): Promise<boolean> {
    const { page = { timeout: 60 }, fields = {}, proxy = false } = options;
    const site = await open(answering(fields), { page, app: { proxy } });
    const replies = [await site.ask(one), await site.ask(other)];
    return replies[0]!.text === replies[1]!.text;
  }

  it("a host with blanks in it is another host, whatever was rewritten", async () => {
    const site = await open(
      (ctx) => {
        ctx.body = `${ctx.host} ${ctx.originalUrl} ${ctx.url}`;
      },
      {
        outside: [
          (ctx, next) => {
            ctx.url = ctx.url.replace(/^\/en\//, "/");
            return next();
          },
        ],
      },
    );
    await site.askTimes(3, { path: "/q", headers: { Host: "x /en/q" } });
    const { text } = await site.ask({ path: "/en/q", headers: { Host: "x" } });
    expect(text).to.equal("x /en/q /q");
  });

  describe("by RFC 9111, section 2: the URI", () => {
    const apart: readonly (readonly [string, string])[] = [
      ["/a", "/b"],
      ["/a", "/A"],
      ["/a", "/a/"],
      ["/a", "//a"],
      ["/a", "/%61"],
      ["/%7e", "/%7E"],
      ["/a", "/./a"],
      ["/a", "/b/../a"],
      ["/a", "/a?"],
      ["/a", "/a?b"],
      ["/a?b", "/a?b="],
      ["/a?b=1", "/a?b=2"],
      ["/a?b=1", "/a?B=1"],
      ["/a?b=1&b=2", "/a?b=2&b=1"],
      ["/a?b=1", "/a?b=1&b=1"],
      ["/a?b=%31", "/a?b=1"],
      ["/a?b=1&c=2", "/a?b=1%26c=2"],
      ["/a?b=1;c=2", "/a?b=1&c=2"],
      ["/a?b=+", "/a?b=%20"],
      ["/a%3Fb=1", "/a?b=1"],
      ["/a%2Fb", "/a/b"],
      ["/a%00", "/a"],
      ["/a;b", "/a"],
    ];
    for (const [one, other] of apart) {
      it(`${one} and ${other} are two pages`, async () => {
        expect(await share(one, other)).to.equal(false);
      });
    }

    const alike: readonly (readonly [string, string])[] = [
      ["/a?b=1&c=2", "/a?c=2&b=1"],
      ["/a?b=1&b=2&a=3", "/a?a=3&b=1&b=2"],
    ];
    for (const [one, other] of alike) {
      it(`${one} and ${other} are one page`, async () => {
        expect(await share(one, other)).to.equal(true);
      });
    }

    it("leaves the query out where it shall", async () => {
      expect(await share("/?a=1", "/?a=2", { page: { timeout: 60, query: false } })).to.equal(true);
    });

    it("limits the query to the names that count", async () => {
      const page = { timeout: 60, query: ["page"] };
      expect(await share("/?page=1&utm=1", "/?utm=2&page=1", { page })).to.equal(true);
      expect(await share("/?page=1", "/?page=2", { page })).to.equal(false);
    });

    it("does not store a URL of more than eight thousand characters", async () => {
      const site = await open(byRun);
      const path = `/${"a".repeat(9000)}`;
      await site.askTimes(2, path);
      expect(site.runs).to.equal(2);
    });
  });

  describe("by the host and the scheme", () => {
    const from = (host: string, more: Record<string, string> = {}): Question => ({
      headers: { Host: host, ...more },
    });

    it("tells hosts apart", async () => {
      expect(await share(from("a.example"), from("b.example"))).to.equal(false);
      expect(await share(from("a.example"), from("a.example:8080"))).to.equal(false);
    });

    it("does not listen to X-Forwarded-* where no proxy is trusted", async () => {
      const poisoned = from("a.example", {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
      });
      const site = await open((ctx) => {
        ctx.body = `${ctx.protocol}://${ctx.host}`;
      });
      expect((await site.ask(poisoned)).text).to.equal("http://a.example");
      expect((await site.ask(from("a.example"))).text).to.equal("http://a.example");
      expect(site.runs).to.equal(1);
    });

    it("tells the hosts and schemes apart that a trusted proxy tells of", async () => {
      const site = await open(
        (ctx) => {
          ctx.body = `${ctx.protocol}://${ctx.host}`;
        },
        { app: { proxy: true } },
      );
      const told: readonly Record<string, string>[] = [
        {},
        { "X-Forwarded-Host": "b.example" },
        { "X-Forwarded-Proto": "https" },
      ];
      for (const round of [1, 2]) {
        for (const fields of told) {
          const { text } = await site.ask(from("a.example", fields));
          const [host = "a.example", scheme = "http"] = [
            fields["X-Forwarded-Host"],
            fields["X-Forwarded-Proto"],
          ];
          expect(text, `round ${round}`).to.equal(`${scheme}://${host}`);
        }
      }
      expect(site.runs).to.equal(3);
    });

    it("does not let the host and the path run together", async () => {
      expect(await share(from("a"), { headers: { Host: 'a","/' } })).to.equal(false);
    });
  });

  describe("beneath mounts and rewrites", () => {
    it("two mounts of one application never meet", async () => {
      const site = await open(() => undefined, {
        mount: (cache) => {
          const app = new Koa();
          for (const prefix of ["/one", "/two"]) {
            const part = new Koa();
            part.use(cache.page({ timeout: 60 }));
            part.use((ctx) => {
              ctx.body = `${prefix} ${ctx.path}`;
            });
            app.use(mount(prefix, part));
          }
          return mount(app) as Middleware;
        },
      });
      for (let round = 0; round < 2; round += 1) {
        expect((await site.ask("/one/page")).text).to.equal("/one /page");
        expect((await site.ask("/two/page")).text).to.equal("/two /page");
      }
    });

    it("what was rewritten by something else than the URL does not meet", async () => {
      const rewrite: Middleware = (ctx, next) => {
        ctx.url = ctx.get("x-site") === "b" ? `/b${ctx.url}` : `/a${ctx.url}`;
        return next();
      };
      const site = await open(
        (ctx) => {
          ctx.body = ctx.path;
        },
        { outside: [rewrite] },
      );
      for (let round = 0; round < 2; round += 1) {
        expect((await site.ask({ headers: { "X-Site": "b" } })).text).to.equal("/b/");
        expect((await site.ask({ headers: { "X-Site": "a" } })).text).to.equal("/a/");
      }
      expect(site.runs).to.equal(2);
    });

    it("two pages around two handlers of one path do not meet", async () => {
      const site = await open(() => undefined, {
        mount: (cache) => {
          const pages = ["a", "b"].map((name) => {
            const page = cache.page({ timeout: 60 });
            return (ctx: Context) =>
              page(ctx, async () => {
                ctx.body = name;
              });
          });
          return (ctx) => pages[ctx.get("x-second") === "" ? 0 : 1]!(ctx);
        },
      });
      for (let round = 0; round < 2; round += 1) {
        expect((await site.ask({})).text).to.equal("a");
        expect((await site.ask({ headers: { "X-Second": "1" } })).text).to.equal("b");
      }
    });

    it("two applications with a namespace each do not meet on one store", async () => {
      const store = new Map();
      const one = await open(answering({}), { cache: { store, namespace: "one" } });
      const two = await open(
        (ctx) => {
          ctx.body = "two";
        },
        { cache: { store, namespace: "two" } },
      );
      const headers = { Host: "same.example" };
      await one.askTimes(2, { headers });
      expect((await two.askTimes(2, { headers })).map(({ text }) => text)).to.deep.equal([
        "two",
        "two",
      ]);
    });
  });

  describe("by RFC 9111, section 4.1: Vary", () => {
    const vary = (value: string) => ({ fields: { Vary: value } });
    const asks = (headers: Record<string, string | string[]>): Question => ({ headers });

    const apart: readonly (readonly [string, Question, Question])[] = [
      ["another value", asks({ "X-A": "1" }), asks({ "X-A": "2" })],
      ["absent", asks({ "X-A": "1" }), asks({})],
      ["empty", asks({ "X-A": "" }), asks({})],
      ["case", asks({ "X-A": "a" }), asks({ "X-A": "A" })],
      ["two lines", asks({ "X-A": ["1", "2"] }), asks({ "X-A": "1" })],
      ["order", asks({ "X-A": "1, 2" }), asks({ "X-A": "2, 1" })],
    ];
    for (const [name, one, other] of apart) {
      it(`${name} selects another variant`, async () => {
        expect(await share(one, other, vary("X-A"))).to.equal(false);
        expect(await share(other, one, vary("x-a"))).to.equal(false);
      });
    }

    const alike: readonly (readonly [string, string, Question, Question])[] = [
      ["another field", "X-A", asks({ "X-B": "1" }), asks({ "X-B": "2" })],
      ["the case of the name", "X-A", asks({ "X-A": "1" }), asks({ "x-a": "1" })],
      ["blanks around", "X-A", asks({ "X-A": "1" }), asks({ "X-A": "  1  " })],
      [
        "blanks in Accept-Encoding",
        "Accept-Encoding",
        asks({ "Accept-Encoding": "gzip,br" }),
        asks({ "Accept-Encoding": "gzip , br" }),
      ],
      [
        "the spelling of weights",
        "Accept-Language",
        asks({ "Accept-Language": "de,en;q=0.5" }),
        asks({ "Accept-Language": "de, en ;q=0.50" }),
      ],
    ];
    for (const [name, field, one, other] of alike) {
      it(`${name} selects the same variant`, async () => {
        expect(await share(one, other, vary(field))).to.equal(true);
      });
    }

    it("serves each variant to those who select it", async () => {
      const site = await open((ctx) => {
        ctx.vary("Accept-Language");
        ctx.body = String(ctx.acceptsLanguages("en", "de"));
      });
      for (let round = 0; round < 2; round += 1) {
        for (const language of ["en", "de"]) {
          const { text } = await site.ask(asks({ "Accept-Language": language }));
          expect(text).to.equal(language);
        }
      }
      expect(site.runs).to.equal(2);
    });

    it("what a middleware outside varies on before the page selects as well", async () => {
      const site = await open(
        (ctx) => {
          ctx.body = `in ${String(ctx.state["locale"])}`;
        },
        {
          outside: [
            (ctx, next) => {
              ctx.vary("Accept-Language");
              ctx.state["locale"] = ctx.acceptsLanguages("en", "de");
              return next();
            },
          ],
        },
      );
      for (const language of ["en", "de", "en", "de"]) {
        const { text } = await site.ask(asks({ "Accept-Language": language }));
        expect(text).to.equal(`in ${language}`);
      }
      expect(site.runs).to.equal(2);
    });

    it("keys by what `vary` declares, and tells clients so", async () => {
      const site = await open(
        (ctx) => {
          ctx.body = ctx.get("x-plan");
        },
        { page: { timeout: 60, vary: ["X-Plan"] } },
      );
      const replies: Reply[] = [];
      for (const plan of ["gold", "none", "gold", "none"]) {
        replies.push(await site.ask(asks({ "X-Plan": plan })));
      }
      expect(replies.map(({ text }) => text)).to.deep.equal(["gold", "none", "gold", "none"]);
      expect(site.runs).to.equal(2);
      for (const { headers } of replies) expect(headers.vary).to.equal("x-plan");
    });

    it("keeps apart what varies on more than it did before", async () => {
      const site = await open((ctx) => {
        ctx.vary(ctx.get("x-a") === "1" ? "X-A, X-B" : "X-A");
        ctx.body = `${ctx.get("x-a")}/${ctx.get("x-b")}`;
      });
      const all = ["", "1"].flatMap((a) => ["", "1", "2"].map((b) => ({ a, b })));
      for (let round = 0; round < 3; round += 1) {
        for (const { a, b } of all) {
          const { text } = await site.ask(asks({ "X-A": a, "X-B": b }));
          if (a === "1") expect(text).to.equal(`1/${b}`);
          else expect(text.startsWith("/")).to.equal(true);
        }
      }
    });

    it("keeps a bounded number of variants of a page", async () => {
      const site = await open(
        (ctx) => {
          ctx.vary("X-A");
          ctx.body = ctx.get("x-a");
        },
        { cache: { memory: { entries: 100_000 } } },
      );
      const values = Array.from({ length: 300 }, (_, index) => String(index));
      for (const value of values) {
        expect((await site.ask(asks({ "X-A": value }))).text).to.equal(value);
      }
      const before = site.runs;
      for (const value of values) {
        expect((await site.ask(asks({ "X-A": value }))).text).to.equal(value);
      }
      expect(site.runs - before).to.be.within(200, 300);
    });

    it("bounds the values of a variant", async () => {
      const site = await open(answering({ Vary: "X-A" }));
      await site.askTimes(2, asks({ "X-A": "a".repeat(10_000) }));
      expect(site.runs).to.equal(2);
    });
  });

  describe("by name", () => {
    it("a shared keyPrefix still selects by host, query and Vary", async () => {
      const page = { timeout: 60, keyPrefix: "one name" };
      expect(await share("/?a=1", "/?a=2", { page })).to.equal(false);
      expect(
        await share({ headers: { Host: "a" } }, { headers: { Host: "b" } }, { page }),
      ).to.equal(false);
    });

    it("a callable keyPrefix that reads the session keeps users apart", async () => {
      const site = await open(
        (ctx) => {
          ctx.body = ctx.cookies.get("sid") ?? "nobody";
        },
        {
          page: {
            timeout: 60,
            keyPrefix: (ctx: Context) => `user ${ctx.cookies.get("sid") ?? ""}`,
          },
        },
      );
      for (let round = 0; round < 2; round += 1) {
        for (const sid of ["ann", "bob"]) {
          expect((await site.ask({ headers: { Cookie: `sid=${sid}` } })).text).to.equal(sid);
        }
      }
      expect(site.runs).to.equal(2);
    });

    it("is deleted with all its variants by its key and by its path", async () => {
      const cache = new Cache();
      const view = cache.cached({ timeout: 60 }, async (ctx: Context) => {
        ctx.vary("Accept-Language");
        ctx.body = { at: process.hrtime.bigint().toString() };
      });
      const site = await open(() => undefined, {
        mount: () => view as Middleware,
        outside: [cache.middleware()],
      });
      const askBoth = async () => [
        (await site.ask({ headers: { "Accept-Language": "en" } })).text,
        (await site.ask({ headers: { "Accept-Language": "de" } })).text,
      ];
      const first = await askBoth();
      expect(await askBoth()).to.deep.equal(first);
      expect(await cache.deleteCached(view, "/")).to.equal(true);
      const second = await askBoth();
      for (const [index, text] of second.entries()) expect(text).to.not.equal(first[index]);
      expect(await cache.delete("view//")).to.equal(true);
      expect(await askBoth()).to.not.deep.equal(second);
      await cache.close();
    });
  });
});
