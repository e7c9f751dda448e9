import { expect } from "chai";
import { Cache, OptionError } from "../src/index.js";
import { CALL_OPTIONS, expectedLife, freshFor, settleRules, tagNames } from "../src/rules.js";

const CALL = { self: undefined, args: [] };

describe("the rules of a wrapped function", () => {
  it("are settled from no options at all", () => {
    expect(settleRules({})).to.deep.equal({
      timeout: undefined,
      unless: undefined,
      forcedUpdate: undefined,
      isStale: undefined,
      shouldCache: undefined,
      tags: [],
      tagsOf: undefined,
      staleWhileRevalidate: 0,
      staleIfError: 0,
      sharing: undefined,
      jitter: 0,
      earlyRefresh: 0,
    });
  });

  it("know every option that can be written", () => {
    const { tagsOf, sharing, ...rest } = settleRules({});
    expect([tagsOf, sharing]).to.deep.equal([undefined, undefined]);
    expect([...CALL_OPTIONS].toSorted()).to.deep.equal([...Object.keys(rest), "copy"].toSorted());
  });

  it("take undefined for an option that is not given", () => {
    const options = Object.fromEntries(CALL_OPTIONS.map((name) => [name, undefined]));
    expect(settleRules(options)).to.deep.equal(settleRules({}));
  });

  it("hold durations in milliseconds and tags as they are stored", () => {
    const rules = settleRules({
      staleWhileRevalidate: "1m",
      staleIfError: 2,
      tags: ["a", "b"],
      copy: false,
    });
    expect([rules.staleWhileRevalidate, rules.staleIfError]).to.deep.equal([60_000, 2000]);
    expect(rules.tags).to.deep.equal(["t:a", "t:b"]);
    expect(rules.sharing).to.equal("freeze");
  });

  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    timeout: [-1, Number.NaN, Infinity, "5 minutes", "50", null, true, {}],
    staleWhileRevalidate: [-1, Number.NaN, "soon", () => 1, null],
    staleIfError: [-1, Infinity, "1w", true],
    unless: [true, "yes", {}, null],
    forcedUpdate: [true, 0],
    isStale: ["stale", []],
    shouldCache: [false, 1],
    tags: ["", [""], [1], 7, { a: 1 }, [null], null],
    copy: [0, "false", null],
    jitter: [-0.1, 1.1, Number.NaN, "0.1", null],
    earlyRefresh: [-1, Infinity, Number.NaN, true],
  };
  for (const [option, values] of Object.entries(wrong)) {
    it(`refuse a wrong ${option} where it is written, by its name`, () => {
      for (const value of values) {
        const cache = new Cache();
        const options = { [option]: value } as never;
        for (const write of [
          () => settleRules(options),
          () => cache.cached(options),
          () => cache.memoize(options),
          () => cache.cached(options, async () => 1),
        ]) {
          expect(write).to.throw(OptionError).with.property("message").that.contains(option);
        }
      }
    });
  }

  it("refuse a misspelt option, with the right one named", () => {
    const cache = new Cache();
    expect(() => cache.cached({ timeOut: 5 } as never)).to.throw(
      OptionError,
      /cached\(\) has no option "timeOut"\. Did you mean timeout\?/,
    );
    expect(() => cache.memoize({ should_cache: 1 } as never)).to.throw(
      OptionError,
      /Did you mean shouldCache\?/,
    );
    expect(() => cache.memoize({ keyPrefix: "x" } as never)).to.throw(
      OptionError,
      /memoize\(\) has no option "keyPrefix"/,
    );
    expect(() => cache.cached({ argsKey: () => 1 } as never)).to.throw(
      OptionError,
      /cached\(\) has no option "argsKey"/,
    );
  });
});

describe("tag names", () => {
  it("are one text or a list", () => {
    expect(tagNames("a", "tags")).to.deep.equal(["t:a"]);
    expect(tagNames(["a", "r:"], "tags")).to.deep.equal(["t:a", "t:r:"]);
    expect(tagNames([], "tags")).to.deep.equal([]);
  });
});

describe("how long a result is fresh", () => {
  it("is what the cache says, unless the function says otherwise", async () => {
    expect(await freshFor(settleRules({}), 1, CALL, 300_000)).to.equal(300_000);
    expect(await freshFor(settleRules({ timeout: "2s" }), 1, CALL, 300_000)).to.equal(2000);
    expect(await freshFor(settleRules({ timeout: 0 }), 1, CALL, 300_000)).to.equal(Infinity);
  });

  it("can depend on the result, the arguments and this", async () => {
    const self = { factor: 2 };
    const rules = settleRules({
      async timeout(this: unknown, result: number, argument: number) {
        return result * argument * (this as typeof self).factor;
      },
    } as never);
    expect(await freshFor(rules, 5, { self, args: [10] }, 1)).to.equal(100_000);
  });

  it("is the cache's where a timeout function gives undefined", async () => {
    const rules = settleRules({ timeout: (() => undefined) as never });
    expect(await freshFor(rules, 1, CALL, 300_000)).to.equal(300_000);
  });

  it("is shortened by jitter, never lengthened", async () => {
    const rules = settleRules({ timeout: 100, jitter: 0.2 });
    const lives = await Promise.all(Array.from({ length: 200 }, () => freshFor(rules, 1, CALL, 1)));
    expect(Math.min(...lives)).to.be.within(80_000, 90_000);
    expect(Math.max(...lives)).to.be.within(90_000, 100_000);
    expect(await freshFor(settleRules({ timeout: 0, jitter: 1 }), 1, CALL, 1)).to.equal(Infinity);
  });

  it("can be told beforehand, with the stale time", () => {
    expect(
      expectedLife(settleRules({ timeout: 10, staleIfError: 5, staleWhileRevalidate: 7 }), 1),
    ).to.equal(17_000);
    expect(expectedLife(settleRules({ timeout: () => 10 }), 300)).to.equal(300);
    expect(expectedLife(settleRules({ timeout: 0 }), 300)).to.equal(Infinity);
  });
});
