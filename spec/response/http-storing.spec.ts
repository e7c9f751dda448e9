import { expect } from "chai";
import type { PageOptions } from "koa-caching";
import type { Question } from "../support/http-client.js";
import { answering, sites, type PageHandler } from "../support/page-site.js";

type Fields = Readonly<Record<string, string | string[]>>;

describe("over HTTP, what is stored", () => {
  const open = sites();

  /** How often a handler runs for two requests of a kind, one after the other. */
  async function runsFor(
    handler: PageHandler,
    { question, page }: { question?: Question; page?: PageOptions } = {},
  ): Promise<number> {
    const site = await open(handler, page === undefined ? {} : { page });
    await site.askTimes(2, question);
    return site.runs;
  }

  function withStatus(status: number, fields: Fields = {}): PageHandler {
    return (ctx, run) => {
      ctx.set(fields as Record<string, string>);
      ctx.status = status;
      if (status !== 204 && status !== 304) ctx.body = `run ${run}`;
    };
  }

  describe("by RFC 9111, section 3", () => {
    const stored: readonly Fields[] = [
      {},
      { "Cache-Control": "max-age=60" },
      { "Cache-Control": "public" },
      { "Cache-Control": "MAX-AGE=60" },
      { "Cache-Control": 'max-age="60"' },
      { "Cache-Control": 'max-age=60, extension="no-store"' },
      { "Cache-Control": "no-store, must-understand, max-age=60" },
      { "Cache-Control": 'private="X-Mine", max-age=60' },
      { Expires: new Date(Date.now() + 3_600_000).toUTCString() },
      { Vary: "Accept" },
      { "Content-Type": "text/event-streams" },
    ];
    for (const fields of stored) {
      it(`stores ${JSON.stringify(fields)}`, async () => {
        expect(await runsFor(answering(fields))).to.equal(1);
      });
    }

    const refused: readonly Fields[] = [
      { "Cache-Control": "no-store" },
      { "Cache-Control": "no-store, max-age=60" },
      { "Cache-Control": "max-age=60,No-Store" },
      { "Cache-Control": ["max-age=60", "no-store"] },
      { "Cache-Control": "private" },
      { "Cache-Control": "private, max-age=60" },
      { "Cache-Control": "public, private, max-age=60" },
      { "Cache-Control": "max-age=0" },
      { "Cache-Control": "max-age=60, s-maxage=0" },
      { "Cache-Control": "max-age=ten" },
      { "Cache-Control": "max-age=-1" },
      { "Cache-Control": "max-age" },
      { "Cache-Control": "max-age=60, max-age=0" },
      { "Cache-Control": 'max-age=60, private="' },
      { "Cache-Control": "max-age=60 no-store" },
      { "Cache-Control": "max-age = 60" },
      { Expires: "0" },
      { Expires: new Date(Date.now() - 1000).toUTCString() },
      { Vary: "*" },
      { Vary: "Accept, *" },
      { Vary: "no name" },
      { "Set-Cookie": "sid=1" },
      { "Set-Cookie": ["a=1", "b=2"], "Cache-Control": "max-age=60" },
      { "Set-Cookie": "sid=1", "Cache-Control": "public, max-age=60" },
      { "Content-Range": "bytes 0-1/10" },
      { "Content-Type": "text/event-stream" },
      { Pragma: "no-cache" },
    ];
    for (const fields of refused) {
      it(`does not store ${JSON.stringify(fields)}`, async () => {
        expect(await runsFor(answering(fields))).to.equal(2);
      });
    }

    const usual = [200, 203, 301, 308, 404, 410];
    const others = [201, 202, 204, 206, 300, 302, 303, 307, 400, 401, 403, 405, 418, 451, 500, 503];
    for (const status of [...usual, ...others]) {
      const own = usual.includes(status) ? 1 : 2;
      it(`a ${status} with a lifetime is ${own === 1 ? "stored" : "not stored"}`, async () => {
        expect(await runsFor(withStatus(status, { "Cache-Control": "max-age=60" }))).to.equal(own);
      });
      const byTimeout = status === 200 ? 1 : 2;
      it(`a ${status} by the timeout is ${byTimeout === 1 ? "stored" : "not stored"}`, async () => {
        expect(await runsFor(withStatus(status))).to.equal(byTimeout);
      });
    }

    it("stores the statuses that `statuses` names", async () => {
      const page = { timeout: 60, statuses: [404, 204] };
      expect(await runsFor(withStatus(404), { page })).to.equal(1);
      expect(await runsFor(withStatus(204), { page })).to.equal(1);
      expect(await runsFor(withStatus(200), { page })).to.equal(2);
    });

    it('stores with "all" every final status that carries a lifetime', async () => {
      const page: PageOptions = { statuses: "all" };
      const own = { "Cache-Control": "max-age=60" };
      expect(await runsFor(withStatus(418, own), { page })).to.equal(1);
      expect(await runsFor(withStatus(503, own), { page })).to.equal(1);
      expect(await runsFor(withStatus(206, own), { page })).to.equal(2);
      expect(await runsFor(withStatus(418), { page: { ...page, timeout: 60 } })).to.equal(2);
    });

    it("without a timeout stores only what carries its own lifetime", async () => {
      expect(await runsFor(answering({}), { page: {} })).to.equal(2);
      const own = answering({ "Cache-Control": "max-age=60" });
      expect(await runsFor(own, { page: {} })).to.equal(1);
    });

    it("stores nothing of a request whose method it does not know", async () => {
      for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"]) {
        expect(await runsFor(answering({}), { question: { method } }), method).to.equal(2);
      }
    });

    it("does not answer POST from what GET stored", async () => {
      const site = await open(answering({}));
      await site.ask("/");
      expect((await site.ask({ method: "POST" })).text).to.equal("run 2");
    });

    it("stores with storeSetCookie what its origin says so of, cookies included", async () => {
      const site = await open(
        answering({ "Set-Cookie": ["a=1", "b=2"], "Cache-Control": "public, max-age=60" }),
        { page: { storeSetCookie: true } },
      );
      const [, hit] = await site.askTimes(2);
      expect(site.runs).to.equal(1);
      expect(hit!.headers["set-cookie"]).to.deep.equal(["a=1", "b=2"]);
    });

    it("notices a cookie that the handler set through Koa", async () => {
      const runs = await runsFor((ctx, run) => {
        ctx.cookies.set("seen", String(run));
        ctx.body = "a";
      });
      expect(runs).to.equal(2);
    });

    it("keeps a body up to maxBytes", async () => {
      const of = (length: number): PageHandler => {
        return (ctx) => {
          ctx.body = "a".repeat(length);
        };
      };
      expect(await runsFor(of(10), { page: { timeout: 60, maxBytes: 10 } })).to.equal(1);
      expect(await runsFor(of(11), { page: { timeout: 60, maxBytes: 10 } })).to.equal(2);
      expect(await runsFor(of(1_048_577))).to.equal(2);
    });

    it("does not store a body of another length than its Content-Length", async () => {
      const runs = await runsFor((ctx) => {
        ctx.body = "four";
        ctx.set("Content-Length", "3");
      });
      expect(runs).to.equal(2);
    });
  });

  describe("by RFC 9111, section 3.1", () => {
    it("keeps no field of the connection, and none that Connection names", async () => {
      const site = await open(
        answering({
          Connection: "keep-alive, X-Hop",
          "X-Hop": "1",
          "Proxy-Authenticate": "Basic",
          "X-End": "2",
        }),
      );
      const [miss, hit] = await site.askTimes(2);
      expect(site.runs).to.equal(1);
      expect(miss!.headers).to.include({ "x-hop": "1", "x-end": "2" });
      expect(hit!.headers).to.include({ "x-end": "2" });
      expect(hit!.headers).to.not.have.any.keys("x-hop", "proxy-authenticate");
    });

    for (const name of ["no-cache", "private"]) {
      it(`keeps no field that ${name}="…" names`, async () => {
        const site = await open(
          answering({
            "Cache-Control": `max-age=60, ${name}="X-Mine, X-Other"`,
            "X-Mine": "1",
            "X-Other": "2",
            "X-End": "3",
          }),
        );
        const [miss, hit] = await site.askTimes(2);
        expect(site.runs).to.equal(1);
        expect(miss!.headers).to.include({ "x-mine": "1", "x-other": "2" });
        expect(hit!.headers).to.include({ "x-end": "3" });
        expect(hit!.headers).to.not.have.any.keys("x-mine", "x-other");
      });
    }
  });

  describe("by RFC 9111, section 3.5: with Authorization", () => {
    const question = { headers: { Authorization: "Bearer one" } };
    const allowing = ["public, max-age=60", "s-maxage=60", "must-revalidate, max-age=60", "public"];
    for (const control of allowing) {
      it(`stores and serves "${control}"`, async () => {
        const runs = await runsFor(answering({ "Cache-Control": control }), { question });
        expect(runs).to.equal(1);
      });
    }

    for (const control of ["max-age=60", "proxy-revalidate, max-age=60", "private, max-age=60"]) {
      it(`does not store "${control}"`, async () => {
        const runs = await runsFor(answering({ "Cache-Control": control }), { question });
        expect(runs).to.equal(2);
      });
    }

    it("does not store by a timeout alone", async () => {
      expect(await runsFor(answering({}), { question })).to.equal(2);
    });

    it("is not answered by a page that was stored without", async () => {
      const site = await open(answering({}));
      await site.ask("/");
      expect((await site.ask(question)).text).to.equal("run 2");
      expect((await site.ask("/")).text).to.equal("run 1");
    });

    it("is answered by such a page where its response allowed that", async () => {
      const site = await open(answering({ "Cache-Control": "public, max-age=60" }));
      await site.ask("/");
      expect((await site.ask(question)).text).to.equal("run 1");
    });
  });

  describe("as the handler left it", () => {
    it("does not store what the handler answers by itself", async () => {
      const site = await open((ctx, run) => {
        ctx.respond = false;
        ctx.res.end(`run ${run}`);
      });
      const replies = await site.askTimes(2);
      expect(replies.map(({ text }) => text)).to.deep.equal(["run 1", "run 2"]);
    });

    it("does not store what the handler began to send by itself", async () => {
      const site = await open((ctx, run) => {
        ctx.status = 200;
        ctx.flushHeaders();
        ctx.body = `run ${run}`;
      });
      const replies = await site.askTimes(2);
      expect(replies.map(({ text }) => text)).to.deep.equal(["run 1", "run 2"]);
    });

    it("does not store where nobody answered", async () => {
      const site = await open(() => undefined);
      const replies = await site.askTimes(2);
      expect(replies.map(({ status }) => status)).to.deep.equal([404, 404]);
      expect(site.runs).to.equal(2);
    });

    it("does not store an error that is thrown", async () => {
      const site = await open((ctx) => ctx.throw(404));
      await site.askTimes(2);
      expect(site.runs).to.equal(2);
    });

    it("asks shouldCache with the result", async () => {
      const seen: unknown[] = [];
      const page: PageOptions = {
        timeout: 60,
        shouldCache: (result) => {
          const { status, headers, body } = result;
          seen.push([status, headers["x-a"], String(body)]);
          return false;
        },
      };
      const site = await open(answering({ "X-A": "1" }), { page });
      await site.askTimes(2);
      expect(site.runs).to.equal(2);
      expect(seen).to.deep.equal([
        [200, "1", "run 1"],
        [200, "1", "run 2"],
      ]);
    });

    it("does not touch the cache where unless says so", async () => {
      const site = await open(answering({}), { page: { timeout: 60, unless: () => true } });
      await site.askTimes(2);
      expect(site.runs).to.equal(2);
    });
  });
});
