import { createRequire } from "node:module";
import { expect } from "chai";
import type Koa from "koa";
import type { Middleware } from "koa";
import { currentContext } from "koa-caching";
import { BODIES } from "./support/page-bodies.js";
import { answering, sites, stopDate, type SiteOptions } from "./support/page-site.js";

const koa = createRequire(import.meta.url)("koa2") as typeof Koa;
const { version } = createRequire(import.meta.url)("koa2/package.json") as { version: string };
const inert: Middleware = (_ctx, next) => next();

describe(`with Koa ${version}`, () => {
  const open = sites();
  const clock = stopDate();

  it("is Koa 2", () => expect(version).to.match(/^2\./));

  /** Koa 2 sends these as JSON. */
  const unknown = new Set(["a blob", "a web stream", "a Response"]);
  const places: Readonly<Record<string, SiteOptions>> = {
    outermost: { koa },
    "beneath another middleware": { koa, outside: [inert] },
  };
  for (const [place, options] of Object.entries(places)) {
    describe(`a page, ${place}`, () => {
      for (const [name, handler] of Object.entries(BODIES)) {
        if (unknown.has(name)) continue;
        it(`gives ${name} again`, async () => {
          const site = await open(async (ctx) => void (await handler(ctx, 0)), options);
          const [miss, , hit] = await site.askTimes(3);
          expect(site.runs).to.equal(1);
          expect(hit!.cacheStatus).to.contain(";hit");
          expect([hit!.status, hit!.message]).to.deep.equal([miss!.status, miss!.message]);
          expect(hit!.bytes.equals(miss!.bytes)).to.equal(true);
          expect(hit!.headers["content-type"]).to.equal(miss!.headers["content-type"]);
        });
      }

      it("knows the client's copy, answers HEAD, and is outdated by POST", async () => {
        const site = await open(answering({ ETag: '"a"' }), options);
        await site.askTimes(2);
        const known = await site.ask({ headers: { "If-None-Match": '"a"' } });
        expect([known.status, known.bytes.length]).to.deep.equal([304, 0]);
        const head = await site.ask({ method: "HEAD" });
        expect([head.status, head.headers["content-length"]]).to.deep.equal([200, "5"]);
        expect(site.runs).to.equal(1);
        await site.ask({ method: "POST" });
        expect((await site.ask()).text).to.equal("run 3");
      });

      it("keeps what reads a cookie from others", async () => {
        const site = await open((ctx) => {
          ctx.body = `for ${ctx.cookies.get("user") ?? "nobody"}`;
        }, options);
        for (const user of ["a", "b", "a"]) {
          const { text } = await site.ask({ headers: { Cookie: `user=${user}` } });
          expect(text).to.equal(`for ${user}`);
        }
      });

      it("serves the old page while the next is made", async () => {
        const page = { timeout: 60, staleWhileRevalidate: 60 };
        const site = await open(answering({}), { ...options, page });
        await site.askTimes(2);
        clock.pass(61);
        expect((await site.ask()).text).to.equal("run 1");
        await site.cache.idle();
        expect((await site.ask()).text).to.equal("run 2");
      });

      it("lets an error through, and asks again", async () => {
        const site = await open((ctx, run) => {
          if (run === 1) ctx.throw(418, "no");
          ctx.body = "a";
        }, options);
        const failed = await site.ask();
        expect([failed.status, failed.text]).to.deep.equal([418, "no"]);
        expect((await site.ask()).text).to.equal("a");
      });

      it("runs once for a hundred requests at once", async () => {
        const site = await open(async (ctx) => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          ctx.body = "a";
        }, options);
        const replies = await Promise.all(Array.from({ length: 100 }, () => site.ask()));
        expect(new Set(replies.map(({ text }) => text))).to.deep.equal(new Set(["a"]));
        expect(site.runs).to.equal(1);
      });
    });
  }

  it("functions know the request, by its path", async () => {
    let runs = 0;
    const site = await open(() => undefined, {
      koa,
      mount: (cache) => {
        const greet = cache.cached({ timeout: 60 }, () => {
          runs += 1;
          return `${currentContext().path} ${runs}`;
        });
        return async (ctx) => {
          await Promise.resolve();
          ctx.body = await greet();
        };
      },
    });
    for (const [path, text] of [
      ["/a", "/a 1"],
      ["/b", "/b 2"],
      ["/a", "/a 1"],
    ] as const) {
      expect((await site.ask(path)).text).to.equal(text);
    }
  });
});
