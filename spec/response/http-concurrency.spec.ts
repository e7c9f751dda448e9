import { expect } from "chai";
import { until } from "../support/load.js";
import { answering, sites, stopDate } from "../support/page-site.js";

const THOUSAND = Array.from({ length: 1000 }, (_, index) => index);

describe("over HTTP, many at once", () => {
  const open = sites();
  const { pass } = stopDate();

  it("a thousand requests for a cold page run the handler once", async () => {
    const site = await open(async (ctx, run) => {
      await until(() => true);
      await new Promise((resolve) => setTimeout(resolve, 100));
      ctx.set("X-A", "1");
      ctx.body = `run ${run}`;
    });
    const replies = await Promise.all(THOUSAND.map(() => site.ask()));
    expect(site.runs).to.equal(1);
    expect(new Set(replies.map(({ text }) => text))).to.deep.equal(new Set(["run 1"]));
    expect(replies.every(({ headers }) => headers["x-a"] === "1")).to.equal(true);
  });

  it("a thousand requests for a cold page that is not stored run side by side", async () => {
    let running = 0;
    let most = 0;
    const site = await open(async (ctx) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 300));
      running -= 1;
      ctx.set("Cache-Control", "private");
      ctx.body = ctx.get("x-number");
    });
    const begun = performance.now();
    const replies = await Promise.all(
      THOUSAND.map((number) => site.ask({ headers: { "X-Number": String(number) } })),
    );
    expect(replies.map(({ text }) => Number(text))).to.deep.equal(THOUSAND);
    expect(site.runs).to.equal(1000);
    expect(most).to.be.above(500);
    expect(performance.now() - begun).to.be.below(6000);
  });

  it("a private page that is known as such makes nobody wait", async () => {
    const site = await open(async (ctx, run) => {
      if (run > 1) await until(() => site.runs === 6);
      ctx.set("Cache-Control", "private");
      ctx.body = `run ${run}`;
    });
    await site.ask();
    const replies = await Promise.all(Array.from({ length: 5 }, () => site.ask()));
    expect(new Set(replies.map(({ text }) => text)).size).to.equal(5);
  });

  it("variants are made side by side, each once", async () => {
    const site = await open(async (ctx) => {
      ctx.vary("X-V");
      await new Promise((resolve) => setTimeout(resolve, 30));
      ctx.body = ctx.get("x-v");
    });
    const values = Array.from({ length: 200 }, (_, index) => String(index % 4));
    await site.ask({ headers: { "X-V": "0" } });
    const replies = await Promise.all(values.map((v) => site.ask({ headers: { "X-V": v } })));
    expect(replies.map(({ text }) => text)).to.deep.equal(values);
    expect(site.runs).to.equal(4);
  });

  it("variants that nobody knew of are not mixed up", async () => {
    const site = await open(async (ctx) => {
      ctx.vary("X-V");
      await new Promise((resolve) => setTimeout(resolve, 30));
      ctx.body = ctx.get("x-v");
    });
    const values = Array.from({ length: 200 }, (_, index) => String(index % 4));
    const replies = await Promise.all(values.map((v) => site.ask({ headers: { "X-V": v } })));
    expect(replies.map(({ text }) => text)).to.deep.equal(values);
  });

  it("a server error is shared by those who wait, and not kept", async () => {
    const site = await open(async (ctx, run) => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      if (run === 1) ctx.throw(503);
      ctx.body = `run ${run}`;
    });
    const replies = await Promise.all(Array.from({ length: 50 }, () => site.ask()));
    expect(replies.every(({ status }) => status === 503)).to.equal(true);
    expect(site.runs).to.equal(1);
    expect((await site.ask()).text).to.equal("run 2");
  });

  for (const status of [401, 403, 404]) {
    it(`a ${status} that is thrown is one request's own`, async () => {
      const site = await open(async (ctx) => {
        await new Promise((resolve) => setTimeout(resolve, 30));
        if (ctx.get("x-let-in") === "") ctx.throw(status);
        ctx.body = "let in";
      });
      const replies = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          site.ask(index % 2 === 0 ? {} : { headers: { "X-Let-In": "1" } }),
        ),
      );
      for (const [index, reply] of replies.entries()) {
        expect(reply.status).to.equal(index % 2 === 0 ? status : 200);
      }
    });
  }

  it("a client that goes away before the answer takes nothing with it", async () => {
    let release = (): void => undefined;
    const site = await open(async (ctx, run) => {
      if (run === 1) await new Promise<void>((resolve) => (release = resolve));
      ctx.body = `run ${run}`;
    });
    await site.client.abandon("/", "at once");
    await until(() => site.runs === 1);
    const waiting = Array.from({ length: 20 }, () => site.ask());
    await new Promise((resolve) => setTimeout(resolve, 50));
    release();
    for (const reply of await Promise.all(waiting)) {
      expect([reply.status, reply.complete]).to.deep.equal([200, true]);
    }
    expect(site.failures.length).to.equal(0);
  });

  it("clients that wait and go away harm nobody", async () => {
    let release = (): void => undefined;
    const site = await open(async (ctx, run) => {
      if (run === 1) await new Promise<void>((resolve) => (release = resolve));
      ctx.body = `run ${run}`;
    });
    const first = site.ask();
    await until(() => site.runs === 1);
    await Promise.all(Array.from({ length: 50 }, () => site.client.abandon("/", "at once")));
    release();
    expect((await first).text).to.equal("run 1");
    expect((await site.ask()).text).to.equal("run 1");
    expect(site.failures.length).to.equal(0);
  });

  it("requests on one connection keep their order", async () => {
    const site = await open(async (ctx) => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      ctx.body = ctx.path;
    });
    for (let round = 0; round < 50; round += 1) {
      const path = `/${round % 5}`;
      expect((await site.ask(path)).text).to.equal(path);
    }
    expect(site.runs).to.equal(5);
  });

  it("a page that expires under load is made anew once", async () => {
    const site = await open(answering({}));
    await site.ask();
    pass(61);
    await Promise.all(THOUSAND.slice(0, 200).map(() => site.ask()));
    expect(site.runs).to.equal(2);
  });
});
