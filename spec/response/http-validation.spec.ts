import { expect } from "chai";
import { answering, sites, stopDate, type PageHandler } from "../support/page-site.js";

describe("over HTTP, validation", () => {
  const open = sites();
  const { pass } = stopDate();

  describe("by RFC 9110, section 13: conditional requests", () => {
    it("makes an entity tag where the handler made none, on the miss too", async () => {
      const site = await open(answering({}));
      const [miss, hit] = await site.askTimes(2);
      expect(miss!.headers.etag).to.match(/^W\/"[^"]+"$/);
      expect(hit!.headers.etag).to.equal(miss!.headers.etag);
    });

    it("the tag is another where the body is another", async () => {
      const site = await open(answering({}));
      const one = await site.ask("/one");
      const other = await site.ask("/other");
      expect(one.headers.etag).to.not.equal(other.headers.etag);
    });

    it("keeps the tag of the handler", async () => {
      const site = await open(answering({ ETag: '"own"' }));
      const [, hit] = await site.askTimes(2);
      expect(hit!.headers.etag).to.equal('"own"');
    });

    const own = { ETag: '"own"', "Content-Language": "en", "X-A": "1", Vary: "X-V" };
    const matching = ['"own"', 'W/"own"', '"other", "own"', "*", '"own",', '"a,b", "own"'];
    for (const condition of matching) {
      it(`answers 304 to If-None-Match: ${condition}`, async () => {
        const site = await open(answering({ ...own, "Cache-Control": "max-age=60" }));
        await site.ask();
        const reply = await site.ask({ headers: { "If-None-Match": condition } });
        expect(reply.status).to.equal(304);
        expect(reply.bytes.length).to.equal(0);
        expect(site.runs).to.equal(1);
        expect(reply.headers).to.include({
          etag: '"own"',
          "cache-control": "max-age=60",
          vary: "X-V",
          age: "0",
        });
        expect(reply.headers).to.not.have.any.keys("content-length", "content-type");
      });
    }

    for (const condition of ['"other"', "own", '"OWN"', '"own', "", '"own" "other"']) {
      it(`answers 200 to If-None-Match: ${condition}`, async () => {
        const site = await open(answering(own));
        await site.ask();
        const reply = await site.ask({ headers: { "If-None-Match": condition } });
        expect(reply.status).to.equal(200);
        expect(reply.text).to.equal("run 1");
      });
    }

    it("compares If-Modified-Since with Last-Modified", async () => {
      const modified = new Date(Date.now() - 100_000);
      const site = await open(answering({ "Last-Modified": modified.toUTCString() }));
      await site.ask();
      const since = async (date: string) =>
        (await site.ask({ headers: { "If-Modified-Since": date } })).status;
      expect(await since(modified.toUTCString())).to.equal(304);
      expect(await since(new Date(+modified + 1000).toUTCString())).to.equal(304);
      expect(await since(new Date(+modified - 1000).toUTCString())).to.equal(200);
      expect(await since("nonsense")).to.equal(200);
    });

    it("If-None-Match goes before If-Modified-Since", async () => {
      const modified = new Date(Date.now() - 100_000).toUTCString();
      const site = await open(answering({ ETag: '"own"', "Last-Modified": modified }));
      await site.ask();
      const reply = await site.ask({
        headers: { "If-None-Match": '"other"', "If-Modified-Since": modified },
      });
      expect(reply.status).to.equal(200);
    });

    it("answers the first request with 304 as well", async () => {
      const site = await open(answering({ ETag: '"own"' }));
      const reply = await site.ask({ headers: { "If-None-Match": '"own"' } });
      expect(reply.status).to.equal(304);
      expect((await site.ask()).text).to.equal("run 1");
      expect(site.runs).to.equal(1);
    });

    it("the handlers do not see the client's conditions, so that a whole answer is stored", async () => {
      const site = await open((ctx) => {
        ctx.body = `${ctx.get("if-none-match")}${ctx.get("if-modified-since")}`;
      });
      const reply = await site.ask({
        headers: { "If-None-Match": '"x"', "If-Modified-Since": new Date().toUTCString() },
      });
      expect(reply.text).to.equal("");
      expect((await site.ask()).text).to.equal("");
    });

    for (const name of ["If-Match", "If-Unmodified-Since"]) {
      it(`leaves ${name} to the handlers`, async () => {
        const site = await open((ctx, run) => {
          ctx.body = `run ${run} ${ctx.get(name)}`;
        });
        await site.ask();
        const reply = await site.ask({ headers: { [name]: '"x"' } });
        expect(reply.text).to.equal('run 2 "x"');
      });
    }

    it("only a success is answered with 304", async () => {
      const site = await open((ctx) => {
        ctx.status = 404;
        ctx.set({ ETag: '"own"', "Cache-Control": "max-age=60" });
        ctx.body = "nothing here";
      });
      await site.ask();
      const reply = await site.ask({ headers: { "If-None-Match": '"own"' } });
      expect(reply.status).to.equal(404);
      expect(site.runs).to.equal(1);
    });
  });

  describe("by RFC 9110, section 14: Range", () => {
    it("a part is never stored", async () => {
      const site = await open((ctx) => {
        ctx.status = 206;
        ctx.set({ "Content-Range": "bytes 0-1/4", "Cache-Control": "max-age=60" });
        ctx.body = "ab";
      });
      await site.askTimes(2, { headers: { Range: "bytes=0-1" } });
      expect(site.runs).to.equal(2);
    });

    it("a part never answers for the whole, and the whole answers for a part", async () => {
      const site = await open((ctx) => {
        if (ctx.get("range") === "") ctx.body = "abcd";
        else {
          ctx.status = 206;
          ctx.set("Content-Range", "bytes 0-1/4");
          ctx.body = "ab";
        }
      });
      const part = await site.ask({ headers: { Range: "bytes=0-1" } });
      expect([part.status, part.text]).to.deep.equal([206, "ab"]);
      expect((await site.ask()).text).to.equal("abcd");
      const whole = await site.ask({ headers: { Range: "bytes=0-1" } });
      expect([whole.status, whole.text]).to.deep.equal([200, "abcd"]);
    });
  });

  describe("by RFC 9111, section 4.3: asking the handler", () => {
    const validating: PageHandler = (ctx, run) => {
      ctx.set({ ETag: '"v1"', "Cache-Control": "max-age=10", "X-Run": String(run) });
      if (ctx.get("if-none-match") === '"v1"') ctx.status = 304;
      else ctx.body = `body of run ${run}`;
    };

    it("a stale page is asked for with If-None-Match, and 304 freshens it", async () => {
      const site = await open(validating, { page: {} });
      await site.ask();
      pass(11);
      const reply = await site.ask();
      expect([reply.status, reply.text]).to.deep.equal([200, "body of run 1"]);
      expect(reply.headers["x-run"]).to.equal("2");
      expect(site.runs).to.equal(2);
      pass(9);
      const again = await site.ask();
      expect([again.text, again.headers["x-run"]]).to.deep.equal(["body of run 1", "2"]);
      expect(again.headers.age).to.equal("9");
      expect(site.runs).to.equal(2);
    });

    it("by Last-Modified where there is no tag", async () => {
      const modified = new Date(Date.now() - 1e6).toUTCString();
      const site = await open(
        (ctx, run) => {
          ctx.set({ "Last-Modified": modified, "Cache-Control": "max-age=10" });
          if (ctx.get("if-modified-since") === modified) ctx.status = 304;
          else ctx.body = `run ${run}`;
        },
        { page: {} },
      );
      await site.ask();
      pass(11);
      expect((await site.ask()).text).to.equal("run 1");
      expect(site.runs).to.equal(2);
    });

    it("never sends the handler a tag that it did not make", async () => {
      const seen: string[] = [];
      const site = await open((ctx, run) => {
        seen.push(ctx.get("if-none-match"));
        ctx.body = `run ${run}`;
      });
      const { headers } = await site.ask();
      pass(61);
      await site.ask({ headers: { "If-None-Match": headers.etag! } });
      expect(seen).to.deep.equal(["", ""]);
    });

    it("a new answer replaces the page", async () => {
      const site = await open(
        (ctx, run) => {
          ctx.set({ ETag: `"v${run}"`, "Cache-Control": "max-age=10" });
          ctx.body = `run ${run}`;
        },
        { page: {} },
      );
      await site.ask();
      pass(11);
      expect((await site.ask()).text).to.equal("run 2");
      expect((await site.ask()).text).to.equal("run 2");
      expect(site.runs).to.equal(2);
    });

    it("a 304 that names another tag freshens nothing", async () => {
      const site = await open(
        (ctx, run) => {
          ctx.set("Cache-Control", "max-age=10");
          const condition = ctx.get("if-none-match");
          ctx.set("ETag", condition === "" ? `"v${run}"` : '"another"');
          if (condition === "") ctx.body = `run ${run}`;
          else ctx.status = 304;
        },
        { page: {} },
      );
      await site.ask();
      pass(11);
      const reply = await site.ask();
      expect([reply.status, reply.text]).to.deep.equal([200, "run 3"]);
    });

    it("a 304 that forbids storing serves once", async () => {
      const site = await open(
        (ctx, run) => {
          ctx.set("ETag", '"v1"');
          ctx.set("Cache-Control", run === 1 ? "max-age=10" : "no-store");
          if (ctx.get("if-none-match") === "") ctx.body = `run ${run}`;
          else ctx.status = 304;
        },
        { page: {} },
      );
      await site.ask();
      pass(11);
      expect((await site.ask()).text).to.equal("run 1");
      await site.ask();
      expect(site.runs).to.equal(3);
    });

    it("the client's own tag is answered with 304 after the page was freshened", async () => {
      const site = await open(validating, { page: {} });
      await site.ask();
      pass(11);
      const reply = await site.ask({ headers: { "If-None-Match": '"v1"' } });
      expect(reply.status).to.equal(304);
      expect((await site.ask()).text).to.equal("body of run 1");
    });

    it("a client that has something else gets the whole page", async () => {
      const site = await open(validating, { page: {} });
      await site.ask();
      pass(11);
      const reply = await site.ask({ headers: { "If-None-Match": '"old"' } });
      expect([reply.status, reply.text]).to.deep.equal([200, "body of run 1"]);
    });

    it("a handler's 304 without anything stored is the handler's", async () => {
      const site = await open((ctx) => {
        ctx.status = 304;
      });
      expect((await site.ask()).status).to.equal(304);
      await site.ask();
      expect(site.runs).to.equal(2);
    });

    it("is asked for one client when many wait", async () => {
      const site = await open(validating, { page: {} });
      await site.ask();
      pass(11);
      const replies = await Promise.all(Array.from({ length: 50 }, () => site.ask()));
      for (const reply of replies) {
        expect([reply.status, reply.text]).to.deep.equal([200, "body of run 1"]);
      }
      expect(site.runs).to.equal(2);
    });
  });

  describe("by RFC 9110, section 9.3.2: HEAD", () => {
    it("is answered from a stored GET, with its fields and no body", async () => {
      const site = await open(answering({ "X-A": "1" }));
      const get = await site.ask();
      const head = await site.ask({ method: "HEAD" });
      expect(site.runs).to.equal(1);
      expect(head.bytes.length).to.equal(0);
      expect(head.headers).to.include({
        "x-a": "1",
        "content-length": String(get.bytes.length),
        "content-type": get.headers["content-type"]!,
        age: "0",
      });
    });

    it("is not stored, and does not answer GET", async () => {
      const site = await open(answering({}));
      await site.askTimes(2, { method: "HEAD" });
      expect(site.runs).to.equal(2);
      expect((await site.ask()).text).to.equal("run 3");
    });

    it("by RFC 9111, section 4.3.5, outdates a page whose validator or length is another", async () => {
      const site = await open(
        (ctx, run) => {
          ctx.set({ ETag: `"v${run}"`, "Cache-Control": "max-age=60" });
          ctx.body = `run ${run}`;
        },
        { page: { obeyClient: true } },
      );
      await site.ask();
      await site.ask({ method: "HEAD", headers: { "Cache-Control": "no-cache" } });
      expect((await site.ask()).text).to.equal("run 3");
    });
  });
});
