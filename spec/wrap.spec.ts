import { expect } from "chai";
import { Cache, OptionError, currentContext, runInRequestContext } from "../src/index.js";
import { stopClock } from "./support/clock.js";
import { counting, deferred, failureOf, settled } from "./support/computation.js";

/** Calls a function while a path is served. */
function at<T>(path: string, run: () => T): T {
  return runInRequestContext(path, run);
}

describe("uncached", () => {
  it("is the original function (C20)", async () => {
    const original = counting();
    const count = new Cache().cached({}, original);
    expect(count.uncached).to.equal(original);
    await at("/", () => count());
    expect(await count.uncached()).to.equal(2);
    expect(await at("/", () => count())).to.equal(1);
  });

  it("can be replaced by what is to run on the next miss", async () => {
    const count = new Cache().cached({}, counting());
    await at("/", () => count());
    count.uncached = async () => 42;
    expect(await at("/", () => count())).to.equal(1);
    expect(await at("/", () => count.refresh())).to.equal(42);
    expect(() => (count.uncached = "no function" as never)).to.throw(
      OptionError,
      /^uncached must be a function/,
    );
  });
});

describe("makeCacheKey as an attribute", () => {
  it("can be replaced, and the new one is used to read, write and delete (K174)", async () => {
    const cache = new Cache();
    const count = cache.cached({}, counting());
    count.makeCacheKey = () => `q:${currentContext().query["q"] as string}`;
    expect(await at("/?q=a", () => count())).to.equal(1);
    expect(await at("/?q=b", () => count())).to.equal(2);
    expect(await at("/other?q=a", () => count())).to.equal(1);
    expect(await cache.get("q:a")).to.equal(1);
    expect(await at("/?q=a", () => count.makeCacheKey())).to.equal("q:a");
    expect(await at("/?q=a", () => count.invalidate())).to.equal(true);
    expect(await at("/?q=a", () => count())).to.equal(3);
  });

  it("can be put back: no hit of the other key is served afterwards", async () => {
    const cache = new Cache();
    const count = cache.cached({}, counting());
    const own = count.makeCacheKey;
    await at("/a", async () => {
      count.makeCacheKey = () => "other";
      expect([await count(), await count(), await count()]).to.deep.equal([1, 1, 1]);
      count.makeCacheKey = own;
      expect([await count(), await count(), await count()]).to.deep.equal([2, 2, 2]);
      count.makeCacheKey = () => "other";
      expect(await count()).to.equal(1);
    });
    expect([await cache.get("other"), await cache.get("view//a")]).to.deep.equal([1, 2]);
  });

  it("may be asynchronous, and must be a function that gives text", async () => {
    const count = new Cache().cached({}, counting());
    count.makeCacheKey = async () => "later";
    expect(await at("/", () => count())).to.equal(1);
    count.makeCacheKey = () => 7 as never;
    expect(await at("/", () => failureOf(count()))).to.be.instanceOf(OptionError);
    expect(() => (count.makeCacheKey = "key" as never)).to.throw(
      OptionError,
      /^makeCacheKey must be a function/,
    );
  });

  it("is called with this and the arguments of the call", async () => {
    const seen: unknown[] = [];
    const self = {};
    const sum = new Cache().cached({}, async (a: number, b: number) => a + b);
    sum.makeCacheKey = function (this: unknown, ...args) {
      seen.push(this, ...args);
      return "key";
    };
    await at("/", () => sum.call(self as never, 1, 2));
    expect(seen).to.deep.equal([self, 1, 2]);
    expect(seen[0]).to.equal(self);
  });

  it("of one function leaves that of another from the same cached(options) alone", async () => {
    const keep = new Cache().cached({ keyPrefix: "one" });
    const [one, two] = [keep(counting()), keep(counting())];
    one.makeCacheKey = () => "changed";
    expect(await two.makeCacheKey()).to.equal("one");
  });
});

describe("invalidate", () => {
  it("deletes the entry of a call and tells whether there was one (L15)", async () => {
    const cache = new Cache();
    const count = cache.cached({}, counting());
    expect(await at("/a", () => count.invalidate())).to.equal(false);
    await at("/a", () => count());
    await at("/b", () => count());
    expect(await at("/a", () => count.invalidate())).to.equal(true);
    expect(await at("/a", () => count())).to.equal(3);
    expect(await at("/b", () => count())).to.equal(2);
  });

  it("while the function runs drops what it brings, and nobody joins it any more", async () => {
    const cache = new Cache();
    const gates = [deferred(), deferred()];
    let runs = 0;
    const slow = cache.cached({ keyPrefix: "slow" }, async () => {
      const run = runs;
      runs += 1;
      await gates[run]!.promise;
      return run;
    });
    const older = at("/", () => slow());
    await settled();
    expect(await slow.invalidate()).to.equal(false);
    const newer = at("/", () => slow());
    await settled();
    gates[1]!.resolve();
    expect(await newer).to.equal(1);
    gates[0]!.resolve();
    expect(await older).to.equal(0);
    expect(await cache.get("slow")).to.equal(1);
  });
});

describe("refresh", () => {
  it("computes and stores, whatever is stored", async () => {
    const cache = new Cache();
    const count = cache.cached({ keyPrefix: "count" }, counting());
    await at("/", async () => {
      expect([await count(), await count.refresh(), await count()]).to.deep.equal([1, 2, 2]);
    });
  });

  it("that fails leaves what was stored", async () => {
    let fail = false;
    const cache = new Cache();
    const count = cache.cached({ keyPrefix: "count", staleIfError: 100 }, async () => {
      if (fail) throw new Error("down");
      return 1;
    });
    await at("/", async () => {
      await count();
      fail = true;
      expect(await failureOf(count.refresh())).to.have.property("message", "down");
      expect(await count()).to.equal(1);
    });
  });

  it("is joined by calls that come after it", async () => {
    const gate = deferred();
    const cache = new Cache();
    let runs = 0;
    const slow = cache.cached({ keyPrefix: "slow" }, async () => {
      runs += 1;
      await gate.promise;
      return runs;
    });
    await at("/", async () => {
      const both = Promise.all([slow.refresh(), slow()]);
      await settled();
      gate.resolve();
      expect(await both).to.deep.equal([1, 1]);
    });
  });
});

describe("deleteCached", () => {
  it("deletes what a function stored for a path, with or without a query (K184, K187, K188)", async () => {
    const cache = new Cache();
    const count = cache.cached({}, counting());
    for (const path of ["/a", "/b"]) await at(path, () => count());
    expect(await cache.deleteCached(count, "/a?page=2")).to.equal(true);
    expect(await cache.deleteCached(count, "/a")).to.equal(false);
    expect(await at("/a", () => count())).to.equal(3);
    expect(await at("/b", () => count())).to.equal(2);
  });

  it("without a path deletes for the request being served", async () => {
    const cache = new Cache();
    const count = cache.cached({}, counting());
    await at("/a", async () => {
      await count();
      expect(await cache.deleteCached(count)).to.equal(true);
      expect(await count()).to.equal(2);
    });
  });

  it("uses the key in use, whatever made it", async () => {
    const cache = new Cache();
    for (const options of [
      { keyPrefix: "list/%s" },
      { keyPrefix: () => `made:${currentContext().path}` },
      { makeCacheKey: async () => `own:${currentContext().path}` },
    ]) {
      const count = cache.cached(options, counting());
      await at("/a", () => count());
      expect(await cache.deleteCached(count, "/b")).to.equal(false);
      expect(await cache.deleteCached(count, "/a")).to.equal(true);
      expect(await at("/a", () => count())).to.equal(2);
    }
  });

  it("refuses what it cannot delete for", async () => {
    const cache = new Cache();
    const memoized = cache.memoize({}, counting());
    const elsewhere = new Cache().cached({}, counting());
    const cases: readonly (readonly [unknown, RegExp])[] = [
      [counting(), /got a function\.$/],
      ["count", /got "count"\.$/],
      [undefined, /got undefined\.$/],
      [memoized, /got one wrapped by memoize\(\)\.$/],
      [elsewhere, /got one wrapped by cached\(\) of another cache\.$/],
    ];
    for (const [fn, message] of cases) {
      const error = await failureOf(cache.deleteCached(fn as never, "/"));
      expect(error).to.be.instanceOf(OptionError).with.property("message").that.matches(message);
    }
    const count = cache.cached({}, counting());
    expect(await failureOf(cache.deleteCached(count, "no-path"))).to.be.instanceOf(OptionError);
  });
});

describe("attributes of a wrapper", () => {
  const clock = stopClock();

  it("can be reached through the wrapper alone, and bypass needs none of them", async () => {
    const count = new Cache().cached({ timeout: 1 }, counting());
    const { makeCacheKey, invalidate, refresh } = count;
    await at("/a", async () => {
      expect(await makeCacheKey()).to.equal("view//a");
      expect(await refresh()).to.equal(1);
      expect(await count()).to.equal(1);
      expect(await invalidate()).to.equal(true);
      clock.jump(1);
      expect(await invalidate()).to.equal(false);
    });
  });

  it("are listed where they are readable and writable", () => {
    const count = new Cache().cached({}, counting());
    expect(Object.keys(count).toSorted()).to.deep.equal([
      "cacheTimeout",
      "makeCacheKey",
      "uncached",
    ]);
  });
});
