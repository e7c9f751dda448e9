import { setImmediate as immediate } from "node:timers/promises";
import { expect } from "chai";
import { Cache, OptionError } from "../src/index.js";
import { at, calls, spying } from "./support/calls.js";
import { counting, failureOf } from "./support/computation.js";

describe("isStale", () => {
  it("is asked on every hit and on nothing else; truthy computes and stores (K052, K116, K171)", async () => {
    const cache = new Cache();
    const asked: unknown[] = [];
    const options = {
      keyPrefix: "count",
      isStale: (value: number) => (asked.push(value), value % 3 === 0),
    };
    const count = cache.cached(options, counting());
    expect(await calls(1, count)).to.deep.equal([1]);
    expect(asked).to.deep.equal([]);
    expect(await calls(4, count)).to.deep.equal([1, 1, 1, 1]);
    expect(asked).to.deep.equal([1, 1, 1, 1]);
    await cache.set("count", 3);
    expect(await calls(2, count)).to.deep.equal([2, 2]);
    expect(asked.slice(4)).to.deep.equal([3, 2]);
    expect(await cache.get("count")).to.equal(2);
  });

  it("is given the value, the arguments and this, in that order (K053, K117)", async () => {
    const isStale = spying(false);
    const self = {};
    const count = new Cache().cached({ isStale }, async (a: number, b: number) => a + b);
    for (let call = 0; call < 2; call += 1) await at("/", () => count.call(self as never, 1, 2));
    expect(isStale.seen).to.deep.equal([[self, 3, 1, 2]]);
  });

  it("cannot change what is stored by changing the value", async () => {
    const isStale = (value: number[]): boolean => {
      value.push(9);
      return false;
    };
    const list = new Cache().cached({ isStale }, async () => [1]);
    expect(await calls(3, list)).to.deep.equal([[1], [1], [1]]);
  });

  it("is not asked when an update is forced (K054)", async () => {
    const isStale = spying(true);
    const count = new Cache().cached({ forcedUpdate: () => true, isStale }, counting());
    await calls(3, count);
    expect(isStale.seen).to.deep.equal([]);
  });

  it("may be asynchronous; what it throws rejects the call", async () => {
    const count = new Cache().cached({ isStale: async () => immediate(true) }, counting());
    expect(await calls(2, count)).to.deep.equal([1, 2]);
    const failure = new Error("stale");
    const failing = new Cache().cached({ isStale: () => Promise.reject(failure) }, counting());
    await calls(1, failing);
    expect(await at("/", () => failureOf(failing()))).to.equal(failure);
  });
});

describe("shouldCache", () => {
  it("stores what it is truthy for, and returns the rest all the same (K169)", async () => {
    const cache = new Cache();
    const count = cache.cached(
      { keyPrefix: "count", shouldCache: (value) => value >= 3 },
      counting(),
    );
    expect(await calls(5, count)).to.deep.equal([1, 2, 3, 3, 3]);
    expect(await cache.get("count")).to.equal(3);
  });

  it("takes undefined, null and 0 for falsy, and promises for what they bring", async () => {
    for (const answer of [undefined, null, 0, "", Promise.resolve(false)]) {
      const count = new Cache().cached({ shouldCache: () => answer }, counting());
      expect(await calls(2, count)).to.deep.equal([1, 2]);
    }
    const count = new Cache().cached({ shouldCache: async () => immediate("yes") }, counting());
    expect(await calls(2, count)).to.deep.equal([1, 1]);
  });

  it("is given the result, the arguments and this, once a computation", async () => {
    const shouldCache = spying(true);
    const self = {};
    const count = new Cache().cached({ shouldCache }, async (a: number) => a * 2);
    for (let call = 0; call < 3; call += 1) await at("/", () => count.call(self as never, 4));
    expect(shouldCache.seen).to.deep.equal([[self, 8, 4]]);
  });

  it("that fails rejects the call and every waiter, and stores nothing", async () => {
    const failure = new Error("shouldCache");
    const cache = new Cache();
    const count = cache.cached(
      { keyPrefix: "count", shouldCache: () => Promise.reject(failure) },
      counting(),
    );
    const errors = await at("/", () => Promise.all([failureOf(count()), failureOf(count())]));
    expect(errors).to.deep.equal([failure, failure]);
    expect(await cache.has("count")).to.equal(false);
  });

  it("gives waiters the value although it is not stored", async () => {
    const count = new Cache().cached({ shouldCache: () => false }, counting());
    expect(await at("/", () => Promise.all([count(), count(), count()]))).to.deep.equal([1, 1, 1]);
  });
});

describe("tags", () => {
  it("outdate what carries them: one text, a list, or what a function gives", async () => {
    const cache = new Cache();
    const one = cache.cached({ keyPrefix: "one", tags: "posts" }, counting());
    const list = cache.cached({ keyPrefix: "list", tags: ["posts", "users"] }, counting());
    const made = cache.cached(
      {
        keyPrefix: "made",
        tags: async (value, ...args) => [`made:${value}`, `args:${args.length}`],
      },
      counting(),
    );
    const all = (): Promise<number[][]> =>
      Promise.all([calls(1, one), calls(1, list), calls(1, made)]);
    expect(await all()).to.deep.equal([[1], [1], [1]]);
    await cache.invalidateTags("users");
    expect(await all()).to.deep.equal([[1], [2], [1]]);
    await cache.invalidateTags("posts", "made:1");
    expect(await all()).to.deep.equal([[2], [3], [2]]);
    await cache.invalidateTags("made:1");
    expect(await all()).to.deep.equal([[2], [3], [2]]);
    await cache.invalidateTags("args:0");
    expect(await all()).to.deep.equal([[2], [3], [3]]);
  });

  it("come from a function that is given the result, the arguments and this", async () => {
    const tags = spying(["tag"]);
    const self = {};
    const sum = new Cache().cached({ tags }, async (a: number, b: number) => a + b);
    await at("/", () => sum.call(self as never, 1, 2));
    expect(tags.seen).to.deep.equal([[self, 3, 1, 2]]);
    expect(tags.seen[0]![0]).to.equal(self);
  });

  it("that a function gives wrongly reject the call", async () => {
    for (const tags of ["", [""], [7], 7, {}]) {
      const count = new Cache().cached({ tags: (() => tags) as never }, counting());
      expect(await at("/", () => failureOf(count()))).to.be.instanceOf(OptionError);
    }
  });

  it("are names: anything else is refused by invalidateTags", async () => {
    const cache = new Cache();
    for (const tag of ["", 7, undefined, ["a"]]) {
      expect(await failureOf(cache.invalidateTags(tag as never))).to.be.instanceOf(OptionError);
    }
    await cache.invalidateTags();
  });
});

describe("copy", () => {
  it("of false shares one frozen value with all, the computing caller included", async () => {
    const list = new Cache().cached({ copy: false }, async () => ({ items: [1] }));
    const [first, second] = await calls(2, list);
    expect(first).to.equal(second);
    expect([first, first!.items].every(Object.isFrozen)).to.equal(true);
    const [a, b] = await at("/other", () => Promise.all([list(), list()]));
    expect(a).to.equal(b);
  });

  it("can be the cache's own way, which a function may differ from", async () => {
    const cache = new Cache({ memory: { copy: false } });
    const shared = cache.cached({ keyPrefix: "shared" }, async () => [1]);
    const copied = cache.cached({ keyPrefix: "copied", copy: true }, async () => [1]);
    const [a, b] = await calls(2, shared);
    expect(a).to.equal(b);
    expect(Object.isFrozen(a)).to.equal(true);
    const [c, d] = await calls(2, copied);
    expect(c).to.deep.equal(d);
    expect(c === d).to.equal(false);
    expect(Object.isFrozen(d)).to.equal(false);
  });

  it("of false freezes no stranger's object: each computation has a value of its own", async () => {
    const original = { items: [1] };
    const shared = new Cache().cached({ copy: false }, async () => original);
    const [first] = await calls(1, shared);
    expect(Object.isFrozen(first)).to.equal(true);
    original.items.push(2);
    expect(await calls(1, shared)).to.deep.equal([{ items: [1] }]);
  });
});
