import { setImmediate as immediate } from "node:timers/promises";
import { expect } from "chai";
import { Cache, OptionError, currentContext } from "../src/index.js";
import { at, calls, spying } from "./support/calls.js";
import { stopClock } from "./support/clock.js";
import { counting, failureOf } from "./support/computation.js";

describe("timeout", () => {
  const clock = stopClock();

  it("is the cache's where it is left out (K085)", async () => {
    const count = new Cache({ timeout: 10 }).cached({}, counting());
    await calls(1, count);
    clock.jump(9);
    expect(await calls(1, count)).to.deep.equal([1]);
    clock.jump(1);
    expect(await calls(1, count)).to.deep.equal([2]);
  });

  it("can be longer than the cache's (C08)", async () => {
    const count = new Cache({ timeout: 1 }).cached({ timeout: 50 }, counting());
    await calls(1, count);
    clock.jump(49);
    expect(await calls(1, count)).to.deep.equal([1]);
  });

  it("of 0 never ends (K011)", async () => {
    const count = new Cache().cached({ timeout: 0 }, counting());
    await calls(1, count);
    clock.jump(10 * 365 * 86_400);
    expect(await calls(1, count)).to.deep.equal([1]);
  });

  it("may be text with a unit, and a fraction (P5)", async () => {
    const count = new Cache().cached({ timeout: "1.5m" }, counting());
    await calls(1, count);
    clock.jump(89);
    expect(await calls(1, count)).to.deep.equal([1]);
    clock.jump(1);
    expect(await calls(1, count)).to.deep.equal([2]);
  });

  it("can be a function of the result and the arguments, called with this (K177)", async () => {
    const timeout = spying(5);
    const self = {};
    const count = new Cache().cached({ timeout }, async (a: number, b: number) => a + b);
    await at("/", () => count.call(self as never, 1, 2));
    expect(timeout.seen).to.deep.equal([[self, 3, 1, 2]]);
    expect(timeout.seen[0]![0]).to.equal(self);
    clock.jump(4);
    expect(await at("/", () => count(5, 5))).to.equal(3);
    clock.jump(1);
    expect(await at("/", () => count(5, 5))).to.equal(10);
    expect(timeout.seen).to.have.length(2);
  });

  it("that a function gives wrongly rejects the call like any mistake of the caller's", async () => {
    for (const wrong of [-1, Number.NaN, "soon", null]) {
      const count = new Cache().cached({ timeout: (() => wrong) as never }, counting());
      expect(await at("/", () => failureOf(count()))).to.be.instanceOf(OptionError);
    }
  });

  it("is read at each store as cacheTimeout, readable and writable, for each function apart (C22, K176)", async () => {
    const cache = new Cache();
    const one = cache.cached({ keyPrefix: "one", timeout: 10 }, counting());
    const two = cache.cached({ keyPrefix: "two", timeout: 50 }, counting());
    expect([one.cacheTimeout, two.cacheTimeout]).to.deep.equal([10, 50]);
    one.cacheTimeout = "20s";
    two.cacheTimeout = 30;
    await calls(1, one);
    await calls(1, two);
    one.cacheTimeout = 1000;
    clock.jump(19);
    expect([await calls(1, one), await calls(1, two)]).to.deep.equal([[1], [1]]);
    clock.jump(1);
    expect([await calls(1, one), await calls(1, two)]).to.deep.equal([[2], [1]]);
    clock.jump(10);
    expect([await calls(1, one), await calls(1, two)]).to.deep.equal([[2], [2]]);
  });

  it("that is assigned is checked like one that is written", () => {
    const count = new Cache().cached({ timeout: 10 }, counting());
    for (const wrong of [-1, Number.NaN, Infinity, "5", null]) {
      expect(() => (count.cacheTimeout = wrong as never)).to.throw(OptionError, /^timeout must be/);
    }
    expect(count.cacheTimeout).to.equal(10);
    count.cacheTimeout = undefined;
    count.cacheTimeout = () => 5;
  });

  it("of one function does not change with that of another from the same cached(options)", async () => {
    const keep = new Cache().cached({ timeout: 10 });
    const [one, two] = [keep(counting()), keep(counting())];
    one.cacheTimeout = 99;
    expect(two.cacheTimeout).to.equal(10);
  });
});

describe("unless", () => {
  it("bypasses the cache while it is truthy, any truthy value, and caches while it is falsy (C05, K168)", async () => {
    const cache = new Cache();
    let bypass: unknown = true;
    const count = cache.cached({ keyPrefix: "count", unless: () => bypass }, counting());
    expect(await calls(2, count)).to.deep.equal([1, 2]);
    expect(await cache.has("count")).to.equal(false);
    for (bypass of [1, "yes", {}, Promise.resolve(true)]) await calls(1, count);
    expect(await cache.has("count")).to.equal(false);
    for (bypass of [false, 0, "", null, undefined, Promise.resolve(false)]) {
      expect(await calls(2, count)).to.deep.equal([7, 7]);
    }
  });

  it("leaves what is stored as it is", async () => {
    let bypass = false;
    const count = new Cache().cached({ unless: () => bypass }, counting());
    expect(await calls(1, count)).to.deep.equal([1]);
    bypass = true;
    expect(await calls(1, count)).to.deep.equal([2]);
    bypass = false;
    expect(await calls(1, count)).to.deep.equal([1]);
  });

  it("is given the arguments and this, once a call", async () => {
    const unless = spying(false);
    const self = {};
    const count = new Cache().cached({ unless }, async (_a: number, _b: string) => 1);
    await at("/", () => count.call(self as never, 1, "b"));
    await at("/", () => count.call(self as never, 2, "c"));
    expect(unless.seen).to.deep.equal([
      [self, 1, "b"],
      [self, 2, "c"],
    ]);
  });

  it("that fails rejects the call and runs nothing", async () => {
    const failure = new Error("unless");
    let runs = 0;
    for (const unless of [
      () => {
        throw failure;
      },
      () => Promise.reject(failure),
    ]) {
      const count = new Cache().cached({ unless }, async () => (runs += 1));
      expect(await at("/", () => failureOf(count()))).to.equal(failure);
    }
    expect(runs).to.equal(0);
  });
});

describe("forcedUpdate", () => {
  it("computes and stores while it is truthy (K050, K114, K170)", async () => {
    const cache = new Cache();
    let force = true;
    const count = cache.cached({ keyPrefix: "count", forcedUpdate: () => force }, counting());
    expect(await calls(2, count)).to.deep.equal([1, 2]);
    expect(await cache.get("count")).to.equal(2);
    force = false;
    expect(await calls(2, count)).to.deep.equal([2, 2]);
  });

  it("is asked on every call, once, with the arguments and this (K051, K115, O10)", async () => {
    const forcedUpdate = spying(false);
    const self = {};
    const count = new Cache().cached({ forcedUpdate }, async (_a: number) => 1);
    for (const argument of [1, 2, 3]) await at("/", () => count.call(self as never, argument));
    expect(forcedUpdate.seen).to.deep.equal([
      [self, 1],
      [self, 2],
      [self, 3],
    ]);
  });

  it("may be asynchronous; what it throws rejects the call", async () => {
    const count = new Cache().cached({ forcedUpdate: async () => immediate(true) }, counting());
    expect(await calls(2, count)).to.deep.equal([1, 2]);
    const failure = new Error("forced");
    const failing = new Cache().cached({ forcedUpdate: () => Promise.reject(failure) }, counting());
    expect(await at("/", () => failureOf(failing()))).to.equal(failure);
  });

  it("that fails to compute leaves what was stored", async () => {
    let force = false;
    const cache = new Cache();
    const count = cache.cached({ keyPrefix: "count", forcedUpdate: () => force }, async () => {
      if (force) throw new Error("source is down");
      return "old";
    });
    await calls(1, count);
    force = true;
    await at("/", () => failureOf(count()));
    expect(await cache.get("count")).to.equal("old");
  });
});

describe("the request, for callables", () => {
  it("is known to each of them", async () => {
    const paths: string[] = [];
    const look =
      <T>(answer: T): (() => T) =>
      () => {
        paths.push(currentContext().path);
        return answer;
      };
    const cache = new Cache();
    const count = cache.cached(
      {
        keyPrefix: look("key"),
        unless: look(false),
        forcedUpdate: look(false),
        isStale: look(false),
        shouldCache: look(true),
        timeout: look(5),
        tags: look(["tag"]),
      },
      counting(),
    );
    await at("/here", async () => {
      await count();
      await count();
    });
    expect(new Set(paths)).to.deep.equal(new Set(["/here"]));
    expect(paths).to.have.length(10);
  });
});
