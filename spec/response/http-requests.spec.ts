import { expect } from "chai";
import { answering, sites, stopDate } from "../support/page-site.js";

describe("over HTTP, what requests may ask for", () => {
  const open = sites();
  const { pass } = stopDate();
  const obeying = { timeout: 60, obeyClient: true };
  const control = (value: string | string[]) => ({ headers: { "Cache-Control": value } });

  describe("RFC 9111, section 5.2.1, where clients are not obeyed", () => {
    const ignored = ["no-cache", "no-store", "max-age=0", "min-fresh=1000", "max-stale", "no-"];
    for (const value of ignored) {
      it(`${value} does not force a miss`, async () => {
        const site = await open(answering({}));
        await site.ask();
        pass(5);
        expect((await site.ask(control(value))).text).to.equal("run 1");
      });
    }

    it("Pragma: no-cache does not either", async () => {
      const site = await open(answering({}));
      await site.ask();
      expect((await site.ask({ headers: { Pragma: "no-cache" } })).text).to.equal("run 1");
    });

    it("no-store does not keep the answer from being stored", async () => {
      const site = await open(answering({}));
      await site.ask(control("no-store"));
      expect((await site.ask()).text).to.equal("run 1");
    });
  });

  describe("RFC 9111, section 5.2.1.7: only-if-cached", () => {
    it("is answered from the cache", async () => {
      const site = await open(answering({}));
      await site.ask();
      expect((await site.ask(control("only-if-cached"))).text).to.equal("run 1");
    });

    it("is answered with 504 otherwise, and no handler runs", async () => {
      const site = await open(answering({}));
      const reply = await site.ask(control("only-if-cached"));
      expect(reply.status).to.equal(504);
      expect(site.runs).to.equal(0);
      expect((await site.ask()).status).to.equal(200);
    });
  });

  describe("RFC 9111, section 5.2.1, where clients are obeyed", () => {
    for (const value of ["no-cache", "max-age=0, no-cache", "NO-CACHE"]) {
      it(`${value} runs the handler, and its answer is stored`, async () => {
        const site = await open(answering({}), { page: obeying });
        await site.ask();
        expect((await site.ask(control(value))).text).to.equal("run 2");
        expect((await site.ask()).text).to.equal("run 2");
      });
    }

    it("Pragma: no-cache means the same where there is no Cache-Control", async () => {
      const site = await open(answering({}), { page: obeying });
      await site.ask();
      const pragma = { Pragma: "no-cache" };
      expect((await site.ask({ headers: pragma })).text).to.equal("run 2");
      const both = { headers: { ...pragma, "Cache-Control": "max-age=50" } };
      expect((await site.ask(both)).text).to.equal("run 2");
    });

    it("no-store is answered, and the answer is not stored", async () => {
      const site = await open(answering({}), { page: obeying });
      await site.ask(control("no-store"));
      expect((await site.ask()).text).to.equal("run 2");
    });

    it("max-age bounds the age", async () => {
      const site = await open(answering({}), { page: obeying });
      await site.ask();
      pass(10);
      expect((await site.ask(control("max-age=10"))).text).to.equal("run 1");
      pass(1);
      expect((await site.ask(control("max-age=10"))).text).to.equal("run 2");
    });

    it("min-fresh asks for the time that is left", async () => {
      const site = await open(answering({}), { page: obeying });
      await site.ask();
      pass(10);
      expect((await site.ask(control("min-fresh=50"))).text).to.equal("run 1");
      expect((await site.ask(control("min-fresh=51"))).text).to.equal("run 2");
    });

    it("max-stale takes what is stale by so much", async () => {
      const page = { ...obeying, staleIfError: 100 };
      const site = await open(answering({}), { page });
      await site.ask();
      pass(70);
      expect((await site.ask(control("max-stale=10"))).text).to.equal("run 1");
      expect((await site.ask(control("max-stale"))).text).to.equal("run 1");
      expect((await site.ask(control("max-stale=9"))).text).to.equal("run 2");
    });

    it("max-stale does not take what must be revalidated", async () => {
      const site = await open(answering({ "Cache-Control": "max-age=60, must-revalidate" }), {
        page: { ...obeying, staleIfError: 100 },
      });
      await site.ask();
      pass(70);
      expect((await site.ask(control("max-stale"))).text).to.equal("run 2");
    });
  });

  describe("RFC 9110, section 9.3.1: a GET that carries a body", () => {
    it("is not stored", async () => {
      const site = await open(answering({}));
      await site.askTimes(2, { body: "q=1" });
      expect(site.runs).to.equal(2);
      expect((await site.ask()).text).to.equal("run 3");
    });

    it("is not answered from the cache", async () => {
      const site = await open(answering({}));
      await site.ask();
      expect((await site.ask({ body: "q=1" })).text).to.equal("run 2");
    });

    it("nor is one whose body comes in chunks", async () => {
      const site = await open(answering({}));
      await site.ask();
      const chunked = {
        headers: { "Transfer-Encoding": "chunked" },
        body: "3\r\nq=1\r\n0\r\n\r\n",
      };
      expect((await site.ask({ ...chunked, body: "q=1" })).text).to.equal("run 2");
    });

    it("with Content-Length: 0 it is a GET like any other", async () => {
      const site = await open(answering({}));
      await site.ask();
      expect((await site.ask({ headers: { "Content-Length": "0" } })).text).to.equal("run 1");
    });
  });

  describe("methods in disguise", () => {
    it("a handler that changed the method is not stored", async () => {
      const site = await open(answering({}), {
        outside: [
          (ctx, next) => {
            if (ctx.get("x-http-method-override") !== "") ctx.method = "POST";
            return next();
          },
        ],
      });
      await site.ask({ headers: { "X-HTTP-Method-Override": "POST" } });
      expect((await site.ask()).text).to.equal("run 2");
    });
  });
});
