// The default key names no function: an entry under it says whose it is.
import { expect } from "chai";
import { Cache, KeyConflictError, runInRequestContext } from "../src/index.js";

describe("an entry under a default key", () => {
  it("is not taken over by another function's refresh()", async () => {
    const cache = new Cache({ strict: true });
    const first = cache.cached({}, async function first() {
      return "first";
    });
    const second = cache.cached({}, async function second() {
      return "second";
    });
    await runInRequestContext("/p", async () => {
      await first();
      const failure = await second.refresh().catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(KeyConflictError);
      expect((failure as Error).message).to.include("first#1 and second#1");
      expect(await first()).to.equal("first");
    });
  });

  it("may be taken over once it holds no more", async () => {
    const cache = new Cache({ strict: true });
    const first = cache.cached({}, async function first() {
      return "first";
    });
    const second = cache.cached({}, async function second() {
      return "second";
    });
    await runInRequestContext("/p", async () => {
      await first();
      await cache.clear();
      expect(await second.refresh()).to.equal("second");
    });
  });

  it("is not served to a function without a name that comes first in another process", async () => {
    const store = new Map<string, unknown>();
    const web = new Cache({ store });
    const job = new Cache({ store });
    const posts = web.cached({}, async () => ["posts"]);
    const users = job.cached({}, async () => ({ secret: "users" }));
    await runInRequestContext("/x", () => users());
    await job.idle();
    expect(await runInRequestContext("/x", () => posts())).to.deep.equal(["posts"]);
  });

  it("is shared by processes that run the same function", async () => {
    const store = new Map<string, unknown>();
    let runs = 0;
    const load = async (): Promise<number> => (runs += 1);
    const one = new Cache({ store });
    const two = new Cache({ store });
    const [first, second] = [one.cached({}, load), two.cached({}, load)];
    await runInRequestContext("/x", () => first());
    await one.idle();
    expect(await runInRequestContext("/x", () => second())).to.equal(1);
  });
});

describe("add()", () => {
  it("has one winner, however the calls are staggered", async () => {
    const cache = new Cache();
    for (let round = 0; round < 50; round += 1) {
      if (round === 25) await cache.clear();
      const adding: Promise<boolean>[] = [];
      for (let call = 0; call < 3; call += 1) {
        adding.push(cache.add(`key ${round % 25}`, call));
        for (let tick = 0; tick < round % 12; tick += 1) await Promise.resolve();
      }
      const winners = (await Promise.all(adding)).filter(Boolean);
      expect(winners, `round ${round}`).to.have.length(1);
    }
  });
});
