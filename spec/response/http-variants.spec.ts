import { expect } from "chai";
import type Koa from "koa";
import type { PageOptions } from "koa-caching";
import { sites, stopDate, type PageHandler } from "../support/page-site.js";

describe("over HTTP, the variants of a page", () => {
  const open = sites();
  stopDate();

  describe("by a signed cookie", () => {
    const outermost = (app: Koa) => {
      app.keys = ["k"];
      return [];
    };
    const secret: PageHandler = (ctx) => {
      ctx.body = `secret of ${ctx.cookies.get("user", { signed: true }) ?? "nobody"}`;
    };

    /** A site on which Ann has seen her page, and the cookies that show who she is. */
    async function seen() {
      let signature: string | undefined;
      const page: PageOptions = { timeout: 60, vary: ["cookie:user"] };
      const keysOf = (app: Koa) => {
        outermost(app);
        return [
          (ctx: Koa.Context, next: Koa.Next) => {
            if (ctx.path !== "/login") return next();
            ctx.cookies.set("user", "ann", { signed: true });
            ctx.body = "welcome";
            return undefined;
          },
        ];
      };
      const site = await open(secret, { page, outermost: keysOf });
      const { headers } = await site.ask("/login");
      for (const line of headers["set-cookie"] ?? []) {
        signature = /^user\.sig=([^;]+)/.exec(line)?.[1] ?? signature;
      }
      const cookies = `user=ann; user.sig=${signature!}`;
      const { text } = await site.ask({ headers: { Cookie: cookies } });
      expect(text).to.equal("secret of ann");
      return { site, cookies };
    }

    it("is a hit for who signed it", async () => {
      const { site, cookies } = await seen();
      const { text } = await site.ask({ headers: { Cookie: cookies } });
      expect([text, site.runs]).to.deep.equal(["secret of ann", 1]);
    });

    const forged = ["user=ann", "user=ann; user.sig=", "user=ann; user.sig=forged"];
    for (const Cookie of [...forged, "user.sig=forged; user=ann"]) {
      it(`shows nobody's secret to ${Cookie}`, async () => {
        const { site } = await seen();
        expect((await site.ask({ headers: { Cookie } })).text).to.equal("secret of nobody");
      });
    }
  });

  it("by a cookie are read from the field as Koa reads it", async () => {
    const site = await open((ctx) => void (ctx.body = ctx.cookies.get("theme") ?? "none"), {
      page: { timeout: 60, vary: ["cookie:theme"] },
    });
    for (const [Cookie, theme] of [
      ["theme=dark", "dark"],
      ["a=1;\ttheme=dark; theme=light", "light"],
      ["a=1;\u00a0theme=dark; theme=light", "light"],
      ["a=1;   theme=dark; theme=light", "dark"],
      ["a=1;\ttheme=dark", "none"],
    ] as const) {
      expect((await site.ask({ headers: { Cookie } })).text, Cookie).to.equal(theme);
    }
    expect(site.runs).to.equal(3);
  });

  describe("by a preference, are told apart where Koa reads it otherwise", () => {
    const answers: readonly (readonly [string, PageHandler, readonly string[]])[] = [
      [
        "Accept-Language",
        (ctx) => void (ctx.body = ctx.acceptsLanguages("en", "fr") || "none"),
        ["fr,en;q=0.5", "en; q=0.5,fr", "fr,en;Q=0.5", "en;Q=0.5,fr"],
      ],
      ["Accept-Language", (ctx) => void (ctx.body = String(ctx.acceptsLanguages())), ["en", "EN"]],
      [
        "Accept-Encoding",
        (ctx) => void (ctx.body = ctx.acceptsEncodings("gzip", "identity") || "none"),
        ["gzip;q=0", "gzip;Q=0"],
      ],
      [
        "Accept-Encoding",
        (ctx) => void (ctx.body = ctx.acceptsEncodings("gzip", "br") || "none"),
        ["gzip, br", "br, gzip"],
      ],
      [
        "Accept-Charset",
        (ctx) => void (ctx.body = ctx.acceptsCharsets("utf-8", "latin1") || "none"),
        ["latin1, utf-8", "utf-8, latin1", "latin1;Q=0.5, utf-8", "latin1;q=0.5, utf-8"],
      ],
    ];
    for (const [name, handler, values] of answers) {
      it(`${name}: ${values.join(" | ")}`, async () => {
        const cached = await open(handler, { page: { timeout: 60, vary: [name] } });
        const own = await open(handler, { mount: (_cache, run) => run });
        for (const value of [...values, ...values.toReversed()]) {
          const question = { headers: { [name]: value } };
          const { text } = await cached.ask(question);
          expect(text, value).to.equal((await own.ask(question)).text);
        }
      });
    }
  });
});
