import { expect } from "chai";
import { Stats } from "../src/stats.js";
import { Cache, runInRequestContext } from "../src/index.js";
import { counting } from "./support/computation.js";

describe("statistics", () => {
  it("start at zero, with a hit ratio of 0", () => {
    expect(new Stats().snapshot()).to.deep.equal({
      hits: 0,
      misses: 0,
      stale: 0,
      writes: 0,
      errors: 0,
      hitRatio: 0,
      functions: new Map(),
    });
  });

  it("are summed over all functions and what belongs to none", () => {
    const stats = new Stats();
    stats.of("a").hits += 3;
    stats.of("b").misses += 1;
    stats.direct.hits += 1;
    stats.direct.errors += 2;
    const { functions, ...all } = stats.snapshot();
    expect(all).to.deep.equal({
      hits: 4,
      misses: 1,
      stale: 0,
      writes: 0,
      errors: 2,
      hitRatio: 0.8,
    });
    expect(functions.get("a")).to.deep.equal({
      hits: 3,
      misses: 0,
      stale: 0,
      writes: 0,
      errors: 0,
      hitRatio: 1,
    });
    expect(functions.get("b")?.hitRatio).to.equal(0);
  });

  it("count a stale answer as served from the cache", () => {
    const stats = new Stats();
    Object.assign(stats.of("a"), { hits: 1, stale: 1, misses: 2 });
    expect(stats.snapshot().hitRatio).to.equal(0.5);
  });

  it("are a picture of the moment: they do not change afterwards", () => {
    const stats = new Stats();
    const before = stats.snapshot();
    stats.of("a").hits += 1;
    expect(before.hits).to.equal(0);
    expect(before.functions.size).to.equal(0);
  });

  it("are shared by functions of one name", () => {
    const stats = new Stats();
    expect(stats.of("a")).to.equal(stats.of("a")).and.not.to.equal(stats.of("b"));
  });

  it("count hits, misses and writes of each wrapped function", async () => {
    const cache = new Cache();
    const cached = cache.cached({ keyPrefix: "one" }, counting());
    await runInRequestContext("/", async () => {
      for (let call = 0; call < 4; call += 1) await cached();
    });
    const { functions, ...all } = cache.stats();
    expect(all).to.deep.equal({
      hits: 3,
      misses: 1,
      stale: 0,
      writes: 1,
      errors: 0,
      hitRatio: 0.75,
    });
    expect(functions.get("count")).to.deep.equal(all);
  });

  it("count a waiter of a computation as a miss, and the run as one write", async () => {
    const cache = new Cache();
    const shared = cache.memoize({}, counting());
    await Promise.all([shared(), shared(), shared()]);
    const { hits, misses, writes } = cache.stats();
    expect({ hits, misses, writes }).to.deep.equal({ hits: 0, misses: 3, writes: 1 });
  });

  it("count what get, set and add do", async () => {
    const cache = new Cache();
    await cache.set("a", 1);
    await cache.add("a", 2);
    await cache.add("b", 2);
    await cache.getMany(["a", "b", "c"]);
    const { hits, misses, writes } = cache.stats();
    expect({ hits, misses, writes }).to.deep.equal({ hits: 2, misses: 1, writes: 2 });
    expect(cache.stats().functions.size).to.equal(0);
  });

  it("count failures that the caller was spared", async () => {
    const cache = new Cache();
    cache.on("error", () => undefined);
    const odd = cache.memoize({}, async function odd() {
      return () => 1;
    });
    await odd();
    expect(cache.stats().errors).to.equal(1);
    expect(cache.stats().functions.get("odd")?.errors).to.equal(1);
  });
});
