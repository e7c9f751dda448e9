import { expect } from "chai";
import { answering, sites, stopDate } from "../support/page-site.js";

const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toUTCString();

describe("over HTTP, how long a page is fresh", () => {
  const open = sites();
  const { pass } = stopDate();

  /** Fields, and the second until which they keep a page fresh. */
  const table: readonly (readonly [string, () => Record<string, string>, number])[] = [
    ["the timeout", () => ({}), 60],
    ["max-age", () => ({ "Cache-Control": "max-age=10" }), 10],
    ["s-maxage before max-age", () => ({ "Cache-Control": "max-age=10, s-maxage=20" }), 20],
    ["s-maxage before Expires", () => ({ "Cache-Control": "s-maxage=20", Expires: at(5) }), 20],
    ["max-age before Expires", () => ({ "Cache-Control": "max-age=10", Expires: at(50) }), 10],
    ["Expires", () => ({ Expires: at(30) }), 30],
    ["Expires counted from Date", () => ({ Date: at(-10), Expires: at(20) }), 20],
    ["the Age that it had already", () => ({ "Cache-Control": "max-age=30", Age: "10" }), 20],
    ["a malformed Age as none", () => ({ "Cache-Control": "max-age=30", Age: "ten" }), 30],
    ["an old Date", () => ({ "Cache-Control": "max-age=30", Date: at(-10) }), 20],
    ["a Date to come as now", () => ({ "Cache-Control": "max-age=30", Date: at(100) }), 30],
    ["the shortest of several", () => ({ "Cache-Control": "max-age=30, max-age=10" }), 10],
  ];
  describe("by RFC 9111, section 4.2", () => {
    for (const [name, fields, seconds] of table) {
      it(`${name}: ${seconds} s`, async () => {
        const site = await open(answering(fields()));
        await site.ask();
        pass(seconds - 1);
        await site.ask();
        expect(site.runs, "just before").to.equal(1);
        pass(1.001);
        await site.ask();
        expect(site.runs, "just after").to.equal(2);
      });
    }

    it("guesses a lifetime only where that is wanted", async () => {
      const modified = answering({ "Last-Modified": at(-1000) });
      const site = await open(modified, { page: {} });
      await site.askTimes(2);
      expect(site.runs).to.equal(2);
      const guessing = await open(modified, { page: { heuristic: true } });
      await guessing.ask();
      pass(99);
      await guessing.ask();
      expect(guessing.runs).to.equal(1);
      pass(2);
      await guessing.ask();
      expect(guessing.runs).to.equal(2);
    });
  });

  describe("by RFC 9111, section 5.1: Age", () => {
    it("is 0 at first and counts whole seconds", async () => {
      const site = await open(answering({}));
      expect((await site.ask()).headers.age).to.equal(undefined);
      expect((await site.ask()).headers.age).to.equal("0");
      pass(1.999);
      expect((await site.ask()).headers.age).to.equal("1");
      pass(40);
      expect((await site.ask()).headers.age).to.equal("41");
    });

    it("counts on from the Age that was received", async () => {
      const site = await open(answering({ Age: "7", "Cache-Control": "max-age=60" }));
      await site.ask();
      pass(5);
      expect((await site.ask()).headers.age).to.equal("12");
    });

    it("the Date of a hit is that of the response", async () => {
      const site = await open(answering({}));
      const made = new Date().toUTCString();
      await site.ask();
      pass(30);
      expect((await site.ask()).headers.date).to.equal(made);
    });
  });

  describe("by RFC 9111, section 5.2.2", () => {
    it("no-cache is asked for each time", async () => {
      const site = await open(answering({ "Cache-Control": "no-cache, max-age=60" }));
      await site.askTimes(2);
      expect(site.runs).to.equal(2);
    });

    it('no-cache="…" is fresh without those fields', async () => {
      const site = await open(answering({ "Cache-Control": 'no-cache="X-A", max-age=60' }));
      await site.askTimes(2);
      expect(site.runs).to.equal(1);
    });

    it("no-transform, immutable and what is unknown change nothing", async () => {
      const control = "no-transform, immutable, foo, bar=baz, max-age=60";
      const site = await open(answering({ "Cache-Control": control }));
      const [, hit] = await site.askTimes(2);
      expect(site.runs).to.equal(1);
      expect(hit!.headers["cache-control"]).to.equal(control);
    });
  });

  describe("by RFC 9213: targeted fields", () => {
    const page = { timeout: 60, targets: ["CDN-Cache-Control", "Surrogate-Thing"] };

    it("a target goes before Cache-Control and Expires", async () => {
      const site = await open(
        answering({ "CDN-Cache-Control": "max-age=10", "Cache-Control": "no-store" }),
        { page },
      );
      await site.ask();
      pass(9);
      await site.ask();
      expect(site.runs).to.equal(1);
      pass(2);
      await site.ask();
      expect(site.runs).to.equal(2);
    });

    it("the first of the list that is there counts", async () => {
      const site = await open(
        answering({ "Surrogate-Thing": "max-age=60", "CDN-Cache-Control": "no-store" }),
        { page },
      );
      await site.askTimes(2);
      expect(site.runs).to.equal(2);
    });

    it("a field that is no target is not obeyed", async () => {
      const site = await open(answering({ "CDN-Cache-Control": "no-store" }));
      await site.askTimes(2);
      expect(site.runs).to.equal(1);
    });

    it("an empty or malformed target is passed over", async () => {
      const site = await open(
        answering({ "CDN-Cache-Control": "max-age=?", "Cache-Control": "no-store" }),
        { page },
      );
      await site.askTimes(2);
      expect(site.runs).to.equal(2);
    });

    it("reaches the client, as does Cache-Control", async () => {
      const site = await open(
        answering({ "CDN-Cache-Control": "max-age=10", "Cache-Control": "no-store" }),
        { page },
      );
      const [, hit] = await site.askTimes(2);
      expect(hit!.headers).to.include({
        "cdn-cache-control": "max-age=10",
        "cache-control": "no-store",
      });
    });
  });
});
