import { expect } from "chai";
import type { Context } from "koa";
import { until } from "../support/load.js";
import { answering, sites, stopDate, type PageHandler } from "../support/page-site.js";

describe("over HTTP, stale pages (RFC 5861)", () => {
  const open = sites();
  const { pass } = stopDate();
  const page = { timeout: 10, staleWhileRevalidate: 20 };
  const errorPage = { timeout: 10, staleIfError: 20 };

  const failing = (when: (run: number) => boolean, fields = {}): PageHandler => {
    return (ctx, run) => {
      if (when(run)) ctx.throw(503, "later");
      ctx.set(fields);
      ctx.body = `run ${run}`;
    };
  };

  describe("section 3: stale-while-revalidate", () => {
    it("serves what it has and asks for the next one", async () => {
      const site = await open(answering({}), { page });
      await site.ask();
      pass(11);
      expect((await site.ask()).text).to.equal("run 1");
      await site.cache.idle();
      expect(site.runs).to.equal(2);
      expect((await site.ask()).text).to.equal("run 2");
    });

    it("by the response's own directive, which goes before the option", async () => {
      const site = await open(
        answering({ "Cache-Control": "max-age=10, stale-while-revalidate=5" }),
        { page },
      );
      await site.ask();
      pass(14);
      expect((await site.ask()).text).to.equal("run 1");
      await site.cache.idle();
      pass(16);
      expect((await site.ask()).text).to.equal("run 3");
    });

    it("ends with its time", async () => {
      const site = await open(answering({}), { page });
      await site.ask();
      pass(31);
      expect((await site.ask()).text).to.equal("run 2");
    });

    it("asks once for any number of clients", async () => {
      const site = await open(answering({}), { page });
      await site.ask();
      pass(11);
      const replies = await Promise.all(Array.from({ length: 100 }, () => site.ask()));
      await site.cache.idle();
      expect(replies.every(({ text }) => text === "run 1" || text === "run 2")).to.equal(true);
      expect(site.runs).to.equal(2);
    });

    it("does not let the client wait for a slow handler", async () => {
      let release = (): void => undefined;
      const site = await open(
        async (ctx, run) => {
          if (run > 1) await new Promise<void>((resolve) => (release = resolve));
          ctx.body = `run ${run}`;
        },
        { page },
      );
      await site.ask();
      pass(11);
      expect((await site.ask()).text).to.equal("run 1");
      await until(() => site.runs === 2);
      release();
      await site.cache.idle();
      expect((await site.ask()).text).to.equal("run 2");
    });

    it("nothing of it reaches the client that was answered", async () => {
      const site = await open(
        (ctx, run) => {
          ctx.set("X-Run", String(run));
          if (run > 1) ctx.cookies.set("late", "1");
          ctx.status = run > 1 ? 500 : 200;
          ctx.body = `run ${run}`;
        },
        { page },
      );
      await site.ask();
      pass(11);
      const reply = await site.ask();
      await site.cache.idle();
      expect([reply.status, reply.text, reply.headers["x-run"]]).to.deep.equal([200, "run 1", "1"]);
      expect(reply.headers["set-cookie"]).to.equal(undefined);
    });

    it("runs the whole stack on a context of its own, with the state of the request", async () => {
      const contexts = new Set<Context>();
      const seen: unknown[] = [];
      const site = await open(
        (ctx, run) => {
          contexts.add(ctx);
          seen.push([ctx.state["locale"], ctx.path, ctx.query["a"], ctx.get("x-a")]);
          ctx.body = `run ${run}`;
        },
        {
          page,
          outside: [(ctx, next) => ((ctx.state["locale"] ??= "de"), next())],
        },
      );
      await site.ask({ path: "/p?a=1", headers: { "X-A": "x" } });
      pass(11);
      await site.ask({ path: "/p?a=1", headers: { "X-A": "x" } });
      await site.cache.idle();
      expect(contexts.size).to.equal(2);
      expect(seen).to.deep.equal([
        ["de", "/p", "1", "x"],
        ["de", "/p", "1", "x"],
      ]);
    });

    it("tells outer middleware by ctx.cache.revalidating", async () => {
      const seen: unknown[] = [];
      const site = await open(answering({}), {
        page,
        outside: [
          (ctx, next) => {
            seen.push((ctx.cache as unknown as { revalidating: boolean }).revalidating);
            return next();
          },
        ],
      });
      await site.ask();
      pass(11);
      await site.ask();
      await site.cache.idle();
      expect(seen).to.deep.equal([false, false, true]);
    });

    it("does not read what the client sent for itself: its conditions", async () => {
      const seen: string[] = [];
      const site = await open(
        (ctx, run) => {
          seen.push(ctx.get("if-none-match"));
          ctx.body = `run ${run}`;
        },
        { page },
      );
      const { headers } = await site.ask();
      pass(11);
      const reply = await site.ask({ headers: { "If-None-Match": headers.etag! } });
      await site.cache.idle();
      expect(reply.status).to.equal(304);
      expect(seen).to.deep.equal(["", ""]);
      expect((await site.ask()).text).to.equal("run 2");
    });

    it("keeps the old page while the new one cannot be had", async () => {
      const site = await open(
        failing((run) => run === 2),
        { page },
      );
      await site.ask();
      pass(11);
      expect((await site.ask()).text).to.equal("run 1");
      await site.cache.idle();
      expect((await site.ask()).text).to.equal("run 1");
      await site.cache.idle();
      expect((await site.ask()).text).to.equal("run 3");
    });

    it("a HEAD asks for the next page too", async () => {
      const site = await open(answering({}), { page });
      await site.ask();
      pass(11);
      expect((await site.ask({ method: "HEAD" })).status).to.equal(200);
      await site.cache.idle();
      expect((await site.ask()).text).to.not.equal("run 1");
    });

    it("an invalidation meanwhile is stronger", async () => {
      let release = (): void => undefined;
      const site = await open(
        async (ctx, run) => {
          if (run === 2) await new Promise<void>((resolve) => (release = resolve));
          ctx.body = `run ${run}`;
        },
        { page: { ...page, tags: ["t"] } },
      );
      await site.ask();
      pass(11);
      await site.ask();
      await until(() => site.runs === 2);
      await site.cache.invalidateTags("t");
      release();
      await site.cache.idle();
      expect((await site.ask()).text).to.equal("run 3");
    });
  });

  describe("section 4: stale-if-error", () => {
    it("serves what it has where the handler fails", async () => {
      const site = await open(
        failing((run) => run > 1),
        { page: errorPage },
      );
      await site.ask();
      pass(11);
      const reply = await site.ask();
      expect([reply.status, reply.text]).to.deep.equal([200, "run 1"]);
      expect(site.runs).to.equal(2);
      pass(20);
      expect((await site.ask()).status).to.equal(503);
    });

    it("serves what it has where the handler answers 500, 502, 503 or 504", async () => {
      for (const status of [500, 502, 503, 504]) {
        const site = await open(
          (ctx, run) => {
            ctx.body = `run ${run}`;
            if (run > 1) ctx.status = status;
          },
          { page: errorPage },
        );
        await site.ask();
        pass(11);
        expect((await site.ask()).text, String(status)).to.equal("run 1");
      }
    });

    it("by the response's own directive", async () => {
      const site = await open(
        failing((run) => run > 1, { "Cache-Control": "max-age=10, stale-if-error=20" }),
        { page: {} },
      );
      await site.ask();
      pass(11);
      expect((await site.ask()).text).to.equal("run 1");
    });

    it("a 4xx is an answer", async () => {
      for (const status of [401, 403, 404, 410]) {
        const site = await open(
          (ctx, run) => {
            if (run > 1) ctx.throw(status);
            ctx.body = "secret";
          },
          { page: errorPage },
        );
        await site.ask();
        pass(11);
        expect((await site.ask()).status).to.equal(status);
      }
    });

    it("does not keep an error", async () => {
      const site = await open(failing((run) => run === 1));
      expect((await site.ask()).status).to.equal(503);
      expect((await site.ask()).text).to.equal("run 2");
    });
  });

  describe("RFC 9111, section 4.2.4: never stale", () => {
    const never = ["must-revalidate", "proxy-revalidate", "s-maxage=10", "no-cache"];
    for (const directive of never) {
      it(`with ${directive}`, async () => {
        const site = await open(
          answering({ "Cache-Control": `max-age=10, ${directive}, stale-while-revalidate=60` }),
          { page },
        );
        await site.ask();
        pass(11);
        expect((await site.ask()).text).to.equal("run 2");
        const failed = await open(
          failing((run) => run > 1, {
            "Cache-Control": `max-age=10, ${directive}, stale-if-error=60`,
          }),
          { page: errorPage },
        );
        await failed.ask();
        pass(11);
        expect((await failed.ask()).status).to.equal(503);
      });
    }
  });
});
