// memoize(): results kept for the arguments, needing no request.
import { expect } from "chai";
import { Cache, cachingId, OptionError, type CacheEvent } from "../src/index.js";
import { stopClock } from "./support/clock.js";
import { deferred, failureOf, settled } from "./support/computation.js";

/** A function whose result tells each run from the others. */
function marking(): { (...args: any[]): Promise<string>; runs: number } {
  const mark = async (...args: any[]): Promise<string> => {
    mark.runs += 1;
    return `${JSON.stringify(args, writable)} #${mark.runs}`;
  };
  mark.runs = 0;
  return mark;
}

function writable(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

describe("memoize()", () => {
  const clock = stopClock();

  describe("wraps a function", () => {
    it("given together with the options", async () => {
      const add = new Cache().memoize({ timeout: 5 }, async function add(a: number, b: number) {
        return a + b;
      });
      expect(await add(5, 2)).to.equal(7);
    });

    it("given to what it returns", async () => {
      const add = new Cache().memoize({ timeout: 5 })(async function add(a: number, b: number) {
        return a + b;
      });
      expect(await add(5, 2)).to.equal(7);
      expect(new Cache().memoize()(async function nothing() {}).cacheTimeout).to.equal(undefined);
    });

    it("keeping its name, its length and the receiver of the call", async () => {
      const cache = new Cache();
      const shop = {
        vat: 2,
        gross: cache.memoize({}, async function gross(this: { vat: number }, net: number) {
          return this.vat * net;
        }),
      };
      expect(shop.gross.name).to.equal("gross");
      expect(shop.gross.length).to.equal(1);
      expect(await shop.gross(21)).to.equal(42);
    });

    it("so that it always gives a promise, also of what is thrown at once", async () => {
      const cache = new Cache();
      const sync = cache.memoize({}, function sync(fails: boolean) {
        if (fails) throw new RangeError("too far");
        return "value";
      });
      expect(sync(false)).to.be.a("promise");
      expect(await sync(false)).to.equal("value");
      expect(await sync(false)).to.equal("value");
      expect(await failureOf(sync(true))).to.be.instanceOf(RangeError);
    });

    it("and refuses anything else, naming the forms", () => {
      const cache = new Cache();
      expect(() => cache.memoize({}, 5 as never)).to.throw(OptionError, "memoize(options, fn)");
      expect(() => cache.memoize({})("f" as never)).to.throw(OptionError, "memoize(options)(fn)");
      expect(() => cache.memoize({ timeuot: 5 } as never)).to.throw(OptionError, "timeout");
      expect(() => cache.memoize(50 as never)).to.throw(OptionError, "must be an object");
    });

    it("and says at once when an option has a value it cannot have", () => {
      const cache = new Cache();
      const wrong = [
        { timeout: -1 },
        { timeout: Infinity },
        { timeout: "5" },
        { unless: true },
        { forcedUpdate: 1 },
        { isStale: {} },
        { shouldCache: "yes" },
        { tags: [1] },
        { tags: "" },
        { staleWhileRevalidate: -1 },
        { staleIfError: "soon" },
        { copy: "no" },
        { jitter: 2 },
        { earlyRefresh: -1 },
        { name: "" },
        { name: 5 },
        { makeName: "name" },
        { argsKey: 0 },
        { makeCacheKey: "key" },
      ];
      for (const options of wrong) {
        expect(() => cache.memoize(options as never), JSON.stringify(options)).to.throw(
          OptionError,
          Object.keys(options)[0],
        );
      }
    });
  });

  describe("keeps results", () => {
    it("for equal arguments, apart from those for others, until the timeout (C07) (K082)", async () => {
      const mark = marking();
      const f = new Cache().memoize({ timeout: 5, name: "f" }, mark);
      const [first, other] = [await f(5, 2), await f(5, 3)];
      expect(first).not.to.equal(other);
      clock.jump(4.999);
      expect([await f(5, 2), await f(5, 3)]).to.deep.equal([first, other]);
      clock.jump(0.001);
      expect(await f(5, 2)).not.to.equal(first);
      expect(await f(5, 3)).not.to.equal(other);
      expect(mark.runs).to.equal(4);
    });

    it("longer than the default when the timeout says so (C08)", async () => {
      const f = new Cache({ timeout: 1 }).memoize({ timeout: 50, name: "f" }, marking());
      const first = await f(5, 2);
      clock.jump(49);
      expect(await f(5, 2)).to.equal(first);
      clock.jump(1);
      expect(await f(5, 2)).not.to.equal(first);
    });

    it("as long as the cache's default when there is no timeout (K085)", async () => {
      const f = new Cache({ timeout: 1 }).memoize({ name: "f" }, marking());
      const first = await f(1);
      clock.jump(0.9);
      expect(await f(1)).to.equal(first);
      clock.jump(0.1);
      expect(await f(1)).not.to.equal(first);
    });

    it("for ever when the timeout is 0", async () => {
      const f = new Cache().memoize({ timeout: 0, name: "f" }, marking());
      const first = await f(1);
      clock.jump(1000 * 365 * 86_400);
      expect(await f(1)).to.equal(first);
    });

    it("as long as a function of the result and the arguments says", async () => {
      const seen: unknown[] = [];
      const options = {
        name: "f",
        timeout: async (...all: unknown[]) => {
          seen.push(all);
          return all[1] === "long" ? ("1m" as const) : 1;
        },
      };
      const f = new Cache().memoize(options, marking());
      const [long, short] = [await f("long"), await f("short")];
      expect(seen).to.deep.equal([
        [long, "long"],
        [short, "short"],
      ]);
      clock.jump(2);
      expect(await f("long")).to.equal(long);
      expect(await f("short")).not.to.equal(short);
    });

    it("and rejects the call when that function gives no timeout", async () => {
      const f = new Cache().memoize({ name: "f", timeout: () => "soon" as never }, marking());
      expect(await failureOf(f(1))).to.be.instanceOf(OptionError);
    });

    it("whatever they are, null and undefined included (K048) (K049) (K123) (K124)", async () => {
      for (const value of [null, undefined, 0, "", false, NaN, -0, 0n]) {
        let runs = 0;
        const f = new Cache().memoize({}, async function f() {
          runs += 1;
          return value;
        });
        for (let call = 0; call < 3; call += 1) expect(Object.is(await f(), value)).to.equal(true);
        expect(runs, String(value)).to.equal(1);
      }
    });

    it("without a request, and the same ones within requests", async () => {
      const mark = marking();
      const f = new Cache().memoize({ name: "f" }, mark);
      const { runInRequestContext } = await import("../src/index.js");
      const results = [
        await f(1),
        await runInRequestContext("/a", () => f(1)),
        await runInRequestContext("/b", () => f(1)),
      ];
      expect(new Set(results).size).to.equal(1);
    });

    it("of plain functions whatever their receiver", async () => {
      const mark = marking();
      const f = new Cache().memoize({ name: "f" }, mark);
      expect(await f.call({ a: 1 }, 1)).to.equal(await f.call({ a: 2 }, 1));
    });

    it("but never a failure, which each later call meets anew", async () => {
      let runs = 0;
      const f = new Cache().memoize({}, async function f() {
        runs += 1;
        if (runs < 3) throw new Error(`failure ${runs}`);
        return runs;
      });
      expect(String(await failureOf(f()))).to.include("failure 1");
      expect(String(await failureOf(f()))).to.include("failure 2");
      expect(await f()).to.equal(3);
      expect(await f()).to.equal(3);
    });

    it("but not what cannot come back equal, which is reported and computed for each", async () => {
      const cache = new Cache();
      const errors: CacheEvent[] = [];
      cache.on("error", (event) => errors.push(event));
      let runs = 0;
      const f = cache.memoize({}, async function* f() {
        runs += 1;
        yield runs;
      } as unknown as () => Promise<AsyncIterable<number>>);
      const [first, second] = await Promise.all([f(), f()]);
      const numbers: number[] = [];
      for await (const number of first) numbers.push(number);
      for await (const number of second) numbers.push(number);
      expect(numbers).to.deep.equal([1, 2]);
      expect(errors[0]).to.include({ name: "f" });
      expect(errors[0]!.error).to.include({ code: "ERR_NOT_CARRIABLE" });
    });
  });

  describe("tells calls apart by their arguments", () => {
    it("lists by content, also when one of them is deleted (C12) (K099)", async () => {
      const cache = new Cache();
      const f = cache.memoize({ name: "f" }, marking());
      const [first, second] = [await f([5, 3, 2]), await f([3, 2, 5])];
      expect(await f([5, 3, 2])).to.equal(first);
      expect(await cache.deleteMemoized(f, [5, 3, 2])).to.equal(true);
      expect(await f([5, 3, 2])).not.to.equal(first);
      expect(await f([3, 2, 5])).to.equal(second);
    });

    it("objects by content, also when one of them is deleted (C13) (K100)", async () => {
      const cache = new Cache();
      const f = cache.memoize({ name: "f" }, marking());
      const [first, second] = [await f({ a: 1, b: 2 }), await f({ a: 2, b: 1 })];
      expect(await f({ a: 1, b: 2 })).to.equal(first);
      await cache.deleteMemoized(f, { b: 2, a: 1 });
      expect(await f({ a: 1, b: 2 })).not.to.equal(first);
      expect(await f({ a: 2, b: 1 })).to.equal(second);
    });

    it("an argument left out being an undefined one (C14) (K101)", async () => {
      const cache = new Cache();
      const f = cache.memoize({ name: "f" }, marking());
      const [absent, five] = [await f(), await f(5)];
      expect(await f()).to.equal(absent);
      expect(await f(undefined)).to.equal(absent);
      expect(await f(5)).to.equal(five);
      expect(five).to.include("[5]");
      expect(await f(null)).not.to.equal(absent);
    });

    it("a default being what undefined stands for, not the value it has (C15) (K083) (K102)", async () => {
      const runs: number[][] = [];
      const f = new Cache().memoize({}, async function f(a: number, b: number, c = 1) {
        runs.push([a, b, c]);
        return a + b + c;
      });
      expect(await f(1, 2)).to.equal(4);
      expect(await f(1, 2, undefined)).to.equal(4);
      expect(runs).to.have.length(1);
      expect(await f(1, 2, 1)).to.equal(4);
      expect(await f(1, 2, 3)).to.equal(6);
      expect(await f(1, 2, 0)).to.equal(3);
      expect(runs).to.have.length(4);
    });

    it("the function's own complaint of missing arguments being the caller's (C15) (K102)", async () => {
      const f = new Cache().memoize({}, async function f(options: { id: number }) {
        return options.id;
      });
      expect(await failureOf((f as unknown as () => Promise<unknown>)())).to.be.instanceOf(
        TypeError,
      );
    });

    it("objects with a class by identity, whatever their fields become (C16) (K104)", async () => {
      class Adder {
        amount: number;
        constructor(amount: number) {
          this.amount = amount;
        }
      }
      const f = new Cache().memoize({ name: "f" }, marking());
      const [one, same] = [new Adder(15), new Adder(15)];
      const [first, second] = [await f(one), await f(same)];
      expect(first).not.to.equal(second);
      one.amount = 14;
      expect(await f(one)).to.equal(first);
      expect(await f(same)).to.equal(second);
    });

    it("objects with an id of their own by that (K106)", async () => {
      class Adder {
        readonly #id: number;
        constructor(id: number) {
          this.#id = id;
        }
        [cachingId](): number {
          return this.#id;
        }
      }
      const f = new Cache().memoize({ name: "f" }, marking());
      const first = await f(new Adder(1));
      expect(await f(new Adder(1))).to.equal(first);
      expect(await f(new Adder(2))).not.to.equal(first);
    });

    it("options in any order being the same call (C21) (C23) (C25) (K103) (K118) (K120)", async () => {
      const f = new Cache().memoize({ name: "f" }, marking());
      const first = await f(1, { b: 2, a: [3], c: { e: 5, d: 4 } });
      expect(await f(1, { c: { d: 4, e: 5 }, a: [3], b: 2 })).to.equal(first);
      expect(await f(1, { a: [3], b: 2, c: { d: 4, e: 5 }, f: undefined })).to.equal(first);
      expect(await f(1, { a: [3], b: 2, c: { d: 5, e: 4 } })).not.to.equal(first);
    });

    it("a deletion finding the call however its options are written (C24) (K119)", async () => {
      const cache = new Cache();
      const f = cache.memoize({ name: "f" }, marking());
      const written = [
        { a: 1, b: 2, c: 3 },
        { a: 1, c: 3, b: 2 },
        { b: 2, a: 1, c: 3 },
        { b: 2, c: 3, a: 1 },
        { c: 3, a: 1, b: 2 },
        { c: 3, b: 2, a: 1 },
      ];
      for (const options of written) {
        const first = await f(1, written[0]);
        expect(await cache.deleteMemoized(f, 1, options)).to.equal(true);
        expect(await f(1, written[0])).not.to.equal(first);
      }
    });

    it("rest arguments included (K121) (K122)", async () => {
      const cache = new Cache();
      const f = cache.memoize({ name: "f" }, marking());
      const [two, three] = [await f(1, 2), await f(1, 2, { a: 1 })];
      expect(two).not.to.equal(three);
      expect(await f(1, 2)).to.equal(two);
      expect(await f(1, 2, { a: 1 })).to.equal(three);
      await cache.deleteMemoized(f);
      expect(await f(1, 2)).not.to.equal(two);
      expect(await f(1, 2, { a: 1 })).not.to.equal(three);
    });

    it("text in any script included (K091) (K092)", async () => {
      const f = new Cache().memoize({ name: "f" }, marking());
      const first = await f("Ünïcödé 日本語 🎏");
      expect(await f("Ünïcödé 日本語 🎏")).to.equal(first);
      expect(await f("Ünïcödé 日本語 🎐")).not.to.equal(first);
    });

    it("by type, for one argument as for several, on a miss as on every later hit", async () => {
      const values = [1, "1", 1n, true, "true", null, "null", undefined, "undefined", NaN, "NaN"];
      const more = [0, -0, "0", "-0", 0n, "", [], {}, [1], ["1"], new URL("a:b"), 'URL("a:b")', -1];
      const f = new Cache().memoize({ name: "f" }, marking());
      const g = new Cache().memoize({ name: "f" }, marking());
      const all = [...values, ...more];
      const first = await Promise.all(all.map((value) => f(value)));
      const firstOfTwo = await Promise.all(all.map((value) => g(value, "end")));
      expect(new Set(first).size).to.equal(all.length);
      expect(new Set(firstOfTwo).size).to.equal(all.length);
      for (let round = 0; round < 3; round += 1) {
        expect(await Promise.all(all.map((value) => f(value)))).to.deep.equal(first);
        expect(await Promise.all(all.map((value) => g(value, "end")))).to.deep.equal(firstOfTwo);
      }
    });

    for (const store of ["memory:", new Map()]) {
      const where = store instanceof Map ? "on a Keyv" : "in memory";

      it(`by what they were at the call, whatever becomes of them, ${where}`, async () => {
        const f = new Cache({ store }).memoize({ name: "f" }, marking());
        const g = new Cache({ store }).memoize({ name: "g", argsKey: (o) => o.page }, marking());
        const options = { page: 0 };
        const calls: Promise<string>[] = [];
        for (const page of [1, 2, 3]) {
          options.page = page;
          calls.push(f(options), f(options), f({ page }), g(options), g({ page }));
        }
        const given = await Promise.all(calls);
        for (const page of [1, 2, 3]) {
          const own = `[{"page":${page}}]`;
          expect(given[5 * page - 3]).to.include(own);
          expect(given[5 * page - 1]).to.include(own);
          expect(await f({ page })).to.include(own);
          expect(await g({ page })).to.include(own);
        }
      });

      it(`also where the function changes them, ${where}`, async () => {
        let runs = 0;
        const f = new Cache({ store }).memoize(
          { name: "h" },
          async (options: { limit?: number }) => {
            options.limit ??= 10;
            await settled();
            return `${options.limit} ${(runs += 1)}`;
          },
        );
        expect(await f({})).to.equal("10 1");
        expect(await f({})).to.equal("10 1");
        expect(await f({ limit: 10 })).to.equal("10 2");
      });
    }

    it("in memory the function begins to run in the call itself, as if it were not wrapped", () => {
      const seen: number[] = [];
      const f = new Cache().memoize({ name: "f" }, async (options: { page: number }) => {
        seen.push(options.page);
      });
      const options = { page: 1 };
      void f(options);
      options.page = 2;
      void f(options);
      expect(seen).to.deep.equal([1, 2]);
    });

    it("and refuses what cannot be part of a key, without running the function", async () => {
      const mark = marking();
      const f = new Cache().memoize({ name: "f" }, mark);
      const error = await failureOf(f(1, () => undefined));
      expect(error).to.include({ code: "ERR_ARGUMENT_KEY" });
      expect(String(error)).to.include("argument 2").and.include("argsKey");
      expect(await failureOf(f(Symbol("s")))).to.include({ code: "ERR_ARGUMENT_KEY" });
      expect(mark.runs).to.equal(0);
    });
  });

  describe("with argsKey", () => {
    it("keys by what it gives, so that arguments are left out (K130) (K132)", async () => {
      const mark = marking();
      const f = new Cache().memoize(
        {
          name: "f",
          argsKey: (id: number, _db: unknown, options: { lang: string }) => [id, options.lang],
        },
        mark,
      );
      const first = await f(1, () => "database", { lang: "de", trace: "a" });
      expect(await f(1, () => "another", { lang: "de", trace: "b" })).to.equal(first);
      expect(await f(2, () => "database", { lang: "de" })).not.to.equal(first);
      expect(await f(1, () => "database", { lang: "en" })).not.to.equal(first);
    });

    it("deletes and refreshes by the same", async () => {
      const cache = new Cache();
      const f = cache.memoize({ name: "f", argsKey: async (id: number) => id }, marking());
      const first = await f(1, "x");
      expect(await f.invalidate(1, "y")).to.equal(true);
      const second = await f(1, "x");
      expect(second).not.to.equal(first);
      expect(await cache.deleteMemoized(f, 1, "z")).to.equal(true);
      const third = await f.refresh(1, "w");
      expect(await f(1, "x")).to.equal(third);
    });

    it("keys every call alike when it gives nothing", async () => {
      const f = new Cache().memoize({ name: "f", argsKey: () => undefined }, marking());
      expect(await f(1)).to.equal(await f(2));
    });

    it("is called with the receiver, and what it throws is the caller's", async () => {
      const cache = new Cache();
      const f = cache.memoize(
        {
          name: "f",
          argsKey(this: { id: number } | undefined) {
            return this!.id;
          },
        },
        marking(),
      );
      expect(await f.call({ id: 1 })).not.to.equal(await f.call({ id: 2 }));
      expect(await failureOf(f())).to.be.instanceOf(TypeError);
    });
  });

  describe("gives the wrapper attributes", () => {
    it("uncached: the original, which may be replaced", async () => {
      const mark = marking();
      const f = new Cache().memoize({ name: "f" }, mark);
      expect(f.uncached).to.equal(mark);
      f.uncached = (async () => "other") as typeof mark;
      expect(await f(1)).to.equal("other");
      expect(() => (f.uncached = 5 as never)).to.throw(OptionError);
    });

    it("cacheTimeout: as given, and what is assigned holds from the next computation on (C22) (K176)", async () => {
      const cache = new Cache();
      const [f, g] = ["f", "g"].map((name) => cache.memoize({ timeout: 2, name }, marking()));
      expect([f!.cacheTimeout, g!.cacheTimeout]).to.deep.equal([2, 2]);
      f!.cacheTimeout = 5;
      const [first, second] = [await f!(1), await g!(1)];
      clock.jump(4);
      expect(await f!(1)).to.equal(first);
      expect(await g!(1)).not.to.equal(second);
      clock.jump(1);
      expect(await f!(1)).not.to.equal(first);
      f!.cacheTimeout = "1h";
      expect(f!.cacheTimeout).to.equal("1h");
      expect(() => (f!.cacheTimeout = -1)).to.throw(OptionError);
    });

    it("cacheTimeout: for each of two functions made with the same options", async () => {
      const wrap = new Cache().memoize({ timeout: 2 });
      const f = wrap(async function f() {});
      const g = wrap(async function g() {});
      f.cacheTimeout = 9;
      expect(g.cacheTimeout).to.equal(2);
    });

    it("makeCacheKey: the key under which the result is (C21) (K175)", async () => {
      const cache = new Cache();
      const f = cache.memoize({ name: "f" }, marking());
      const first = await f({ foo: "a", bar: "b" });
      expect(await cache.get(await f.makeCacheKey({ bar: "b", foo: "a" }))).to.equal(first);
      expect(await cache.has(await f.makeCacheKey({ foo: "b", bar: "a" }))).to.equal(false);
      expect(await cache.delete(await f.makeCacheKey({ foo: "a", bar: "b" }))).to.equal(true);
      expect(await f({ foo: "a", bar: "b" })).not.to.equal(first);
    });

    it("makeCacheKey: of long arguments, too", async () => {
      const cache = new Cache();
      const f = cache.memoize({ name: "f" }, marking());
      const long = "x".repeat(100_000);
      const first = await f(long);
      const key = await f.makeCacheKey(long);
      expect(key).to.have.length.below(201);
      expect(await cache.get(key)).to.equal(first);
    });

    it("makeCacheKey: replaced, it makes the keys; put back, nothing of that remains", async () => {
      const f = new Cache().memoize({ name: "f" }, marking());
      const original = f.makeCacheKey;
      f.makeCacheKey = (id: number) => (id % 2 === 0 ? "even" : "odd");
      const odd = await f(1);
      for (let call = 0; call < 3; call += 1) expect(await f(3)).to.equal(odd);
      expect(await f.makeCacheKey(3)).to.equal("odd");
      f.makeCacheKey = original;
      expect(await f(3)).to.include("[3]");
      expect(await f(1))
        .to.include("[1]")
        .and.not.equal(odd);
    });

    it("makeCacheKey: given as an option, possibly asynchronous, it must give text", async () => {
      const cache = new Cache();
      const f = cache.memoize(
        { name: "f", makeCacheKey: async (id: number) => `user-${id}` },
        marking(),
      );
      const first = await f(1);
      expect(await cache.get("user-1")).to.equal(first);
      const g = cache.memoize({ name: "g", makeCacheKey: () => 5 as never }, marking());
      expect(await failureOf(g(1))).to.be.instanceOf(TypeError);
    });

    it("invalidate: deletes one call's result and tells whether there was one", async () => {
      const f = new Cache().memoize({ name: "f" }, marking());
      const [first, other] = [await f(1), await f(2)];
      expect(await f.invalidate(1)).to.equal(true);
      expect(await f.invalidate(1)).to.equal(false);
      expect(await f(1)).not.to.equal(first);
      expect(await f(2)).to.equal(other);
    });

    it("refresh: computes and stores, whatever is stored", async () => {
      const mark = marking();
      const f = new Cache().memoize({ name: "f" }, mark);
      const first = await f(1);
      const second = await f.refresh(1);
      expect(second).not.to.equal(first);
      expect(await f(1)).to.equal(second);
      expect(mark.runs).to.equal(2);
    });

    it("refresh: leaves what is stored when it fails", async () => {
      let runs = 0;
      const f = new Cache().memoize({}, async function f() {
        runs += 1;
        if (runs === 2) throw new Error("second");
        return runs;
      });
      await f();
      expect(String(await failureOf(f.refresh()))).to.include("second");
      expect(await f()).to.equal(1);
    });

    it("refresh: what it stored holds though another one is under way, or fails", async () => {
      const gates = [deferred<number>(), deferred<number>()];
      let runs = -1;
      const f = new Cache().memoize({ name: "f" }, async () => {
        runs += 1;
        return runs === 0 ? 0 : gates[runs - 1]!.promise;
      });
      expect(await f()).to.equal(0);
      const both = [f.refresh(), f.refresh()];
      await settled();
      gates[0]!.resolve(1);
      expect(await both[0]).to.equal(1);
      expect(await f()).to.equal(1);
      gates[1]!.reject(new Error("late"));
      expect(String(await failureOf(both[1]!))).to.include("late");
      expect(await f()).to.equal(1);
    });

    it("refresh: an older one that ends later does not replace a newer one", async () => {
      const gates = [deferred<number>(), deferred<number>()];
      let runs = -1;
      const f = new Cache().memoize({ name: "f" }, async () => gates[(runs += 1)]!.promise);
      const both = [f.refresh(), f.refresh()];
      await settled();
      gates[1]!.resolve(2);
      expect(await both[1]).to.equal(2);
      gates[0]!.resolve(1);
      expect(await both[0]).to.equal(1);
      expect(await f()).to.equal(2);
    });

    it("deleteMemoized: forgets all (K094)", async () => {
      const f = new Cache().memoize({ name: "f" }, marking());
      const [first, second] = [await f(5, 2), await f(5, 3)];
      expect(await f.deleteMemoized()).to.equal(undefined);
      expect(await f(5, 2)).not.to.equal(first);
      expect(await f(5, 3)).not.to.equal(second);
    });
  });

  describe("is forgotten", () => {
    it("with all its arguments, and no other function with it (C09) (K067) (K093)", async () => {
      const cache = new Cache();
      const [f, g] = ["f", "g"].map((name) => cache.memoize({ timeout: 5, name }, marking()));
      const [first, second, other] = [await f!(5, 2), await f!(5, 3), await g!(5, 2)];
      expect(await cache.deleteMemoized(f!)).to.equal(undefined);
      expect(await f!(5, 2)).not.to.equal(first);
      expect(await f!(5, 3)).not.to.equal(second);
      expect(await g!(5, 2)).to.equal(other);
    });

    it("for one list of arguments, telling whether there was something (C11) (K096)", async () => {
      const cache = new Cache();
      const f = cache.memoize({ name: "f" }, marking());
      const [first, other] = [await f(5, 2), await f(5, 3)];
      expect(await cache.deleteMemoized(f, 5, 2)).to.equal(true);
      expect(await cache.deleteMemoized(f, 5, 2)).to.equal(false);
      expect(await f(5, 2)).not.to.equal(first);
      expect(await f(5, 3)).to.equal(other);
    });

    it("without arguments only if none are given: an undefined one is one", async () => {
      const cache = new Cache();
      const f = cache.memoize({ name: "f" }, marking());
      const [none, one] = [await f(), await f(1)];
      expect(await cache.deleteMemoized(f, undefined)).to.equal(true);
      expect(await f()).not.to.equal(none);
      expect(await f(1)).to.equal(one);
    });

    it("by the removal of its version (C10)", async () => {
      const cache = new Cache();
      const f = cache.memoize({ name: "f" }, marking());
      const [first, second] = [await f(5, 2), await f(5, 3)];
      expect(await cache.deleteMemoizedVerhash(f)).to.equal(undefined);
      const again = await f(5, 2);
      expect(again).not.to.equal(first);
      expect(await f(5, 3)).not.to.equal(second);
      expect(await f(5, 2)).to.equal(again);
    });

    it("and what was never memoized here is refused", async () => {
      const cache = new Cache();
      const plain = async (): Promise<number> => 1;
      const other = new Cache().memoize({ name: "other" }, plain);
      const cached = cache.cached({}, plain);
      for (const [fn, got] of [
        [plain, "got a function"],
        [other, "of another cache"],
        [cached, "one wrapped by cached()"],
        [undefined, "got undefined"],
      ] as const) {
        for (const forget of ["deleteMemoized", "deleteMemoizedVerhash", "memoized"] as const) {
          const error = await failureOf((async () => cache[forget](fn as never))());
          expect(error).to.be.instanceOf(OptionError).and.instanceOf(TypeError);
          expect(String(error)).to.include(got).and.include(forget);
        }
      }
    });
  });

  describe("asks its callables", () => {
    it("unless: with the arguments and the receiver; truthy, the cache is not touched", async () => {
      const cache = new Cache();
      const seen: unknown[] = [];
      const events: string[] = [];
      for (const event of ["hit", "miss", "write", "bypass"] as const) {
        cache.on(event, () => events.push(event));
      }
      const options = {
        name: "f",
        async unless(this: unknown, ...args: unknown[]) {
          seen.push([this, args]);
          return args[0];
        },
      };
      const f = cache.memoize(options, marking());
      const receiver = { f };
      expect(await f.call(receiver, "truthy")).not.to.equal(await f.call(receiver, "truthy"));
      expect(events).to.deep.equal(["bypass", "bypass"]);
      expect(await f.call(receiver, 0)).to.equal(await f.call(receiver, 0));
      expect(seen[0]).to.deep.equal([receiver, ["truthy"]]);
    });

    it("unless: whose failure is the caller's", async () => {
      const fail = (): never => {
        throw new Error("unless fails");
      };
      const f = new Cache().memoize({ name: "f", unless: fail }, marking());
      expect(String(await failureOf(f(1)))).to.include("unless fails");
    });

    it("forcedUpdate: once a call, with the arguments; truthy, it stores the new result (K114) (K115)", async () => {
      const asked: unknown[] = [];
      let force = false;
      const options = {
        name: "f",
        forcedUpdate: (...args: unknown[]) => {
          asked.push(args);
          return force;
        },
      };
      const f = new Cache().memoize(options, marking());
      const first = await f(5, 2);
      expect(await f(5, 2)).to.equal(first);
      force = true;
      const second = await f(5, 2);
      expect(second).not.to.equal(first);
      force = false;
      expect(await f(5, 2)).to.equal(second);
      expect(asked).to.deep.equal(Array.from({ length: 4 }, () => [5, 2]));
    });

    it("isStale: on every hit and only then, with value and arguments (K116) (K117)", async () => {
      const asked: unknown[] = [];
      let stale = false;
      const options = {
        name: "f",
        isStale: async (...all: unknown[]) => {
          asked.push(all);
          return stale;
        },
      };
      const f = new Cache().memoize(options, marking());
      const first = await f(5);
      expect(asked).to.deep.equal([]);
      for (let call = 0; call < 3; call += 1) expect(await f(5)).to.equal(first);
      expect(asked).to.deep.equal(Array.from({ length: 3 }, () => [first, 5]));
      stale = true;
      const second = await f(5);
      expect(second).not.to.equal(first);
      stale = false;
      expect(await f(5)).to.equal(second);
    });

    it("isStale: not when an update is forced", async () => {
      let asked = 0;
      const options = { name: "f", forcedUpdate: () => true, isStale: () => (asked += 1) };
      const f = new Cache().memoize(options, marking());
      await f(1);
      await f(1);
      expect(asked).to.equal(0);
    });

    it("isStale: with a value of its own, which it may spoil", async () => {
      const options = { isStale: (value: number[]) => value.push(9) === 0 };
      const f = new Cache().memoize(options, async function f() {
        return [1];
      });
      await f();
      for (let call = 0; call < 3; call += 1) expect(await f()).to.deep.equal([1]);
    });

    it("shouldCache: falsy, the result is given and not stored", async () => {
      const seen: unknown[] = [];
      const options = {
        name: "f",
        shouldCache: async (...all: unknown[]) => {
          seen.push(all);
          return all[1];
        },
      };
      const f = new Cache().memoize(options, marking());
      const kept = await f("kept");
      expect(await f("kept")).to.equal(kept);
      expect(await f("")).not.to.equal(await f(""));
      expect(seen[0]).to.deep.equal([kept, "kept"]);
    });

    it("and passes on what they throw, with and without a stale value at hand", async () => {
      let fails = false;
      const fail = (what: string) => (): unknown => {
        if (fails) throw new Error(what);
        return what === "tags" ? [] : what === "timeout" ? 1 : true;
      };
      for (const what of ["shouldCache", "timeout", "tags"]) {
        fails = false;
        const options = { timeout: 1, staleIfError: 100, name: "f", [what]: fail(what) };
        const f = new Cache().memoize(options as never, marking());
        await f(1);
        clock.jump(2);
        fails = true;
        expect(String(await failureOf(f(1))), what).to.include(what);
        expect(String(await failureOf(f(2))), what).to.include(what);
      }
    });
  });

  describe("serves old results", () => {
    it("while a new one is made, once and in the background (staleWhileRevalidate)", async () => {
      const cache = new Cache();
      const mark = marking();
      const f = cache.memoize({ name: "f", timeout: 10, staleWhileRevalidate: 10 }, mark);
      const first = await f(1);
      clock.jump(10);
      expect(await Promise.all([f(1), f(1), f(1)])).to.deep.equal([first, first, first]);
      await cache.idle();
      expect(mark.runs).to.equal(2);
      const second = await f(1);
      expect(second).not.to.equal(first);
      clock.jump(20);
      expect(await f(1)).not.to.equal(second);
      expect(cache.stats()).to.include({ stale: 3 });
    });

    it("and tells of a background failure without rejecting anything", async () => {
      const cache = new Cache();
      const errors: CacheEvent[] = [];
      cache.on("error", (event) => errors.push(event));
      let runs = 0;
      const options = { timeout: 10, staleWhileRevalidate: 10 };
      const f = cache.memoize(options, async function f() {
        runs += 1;
        if (runs > 1) throw new Error("gone");
        return runs;
      });
      await f();
      clock.jump(11);
      expect(await f()).to.equal(1);
      await cache.idle();
      expect(errors.map(({ error }) => error?.message)).to.deep.equal(["gone"]);
      expect(await f()).to.equal(1);
    });

    it("when making a new one fails (staleIfError), until that time is over", async () => {
      const cache = new Cache();
      const errors: CacheEvent[] = [];
      cache.on("error", (event) => errors.push(event));
      let runs = 0;
      const f = cache.memoize({ timeout: 10, staleIfError: 10 }, async function f() {
        runs += 1;
        if (runs > 1) throw new Error(`failure ${runs}`);
        return "first";
      });
      await f();
      clock.jump(19);
      expect(await Promise.all([f(), f()])).to.deep.equal(["first", "first"]);
      expect(runs).to.equal(2);
      expect(errors).to.have.length(1);
      clock.jump(1);
      expect(String(await failureOf(f()))).to.include("failure 3");
    });

    it("never after they were forgotten", async () => {
      const cache = new Cache();
      let runs = 0;
      const options = { timeout: 10, staleIfError: 100, staleWhileRevalidate: 50 };
      const f = cache.memoize(options, async function f() {
        runs += 1;
        if (runs > 1) throw new Error("gone");
        return "first";
      });
      await f();
      clock.jump(11);
      await cache.deleteMemoized(f);
      expect(String(await failureOf(f()))).to.include("gone");
    });
  });

  describe("gives each caller", () => {
    it("a value of his own, the one who computed it and those who waited included", async () => {
      const f = new Cache().memoize({}, async function f() {
        return { list: [1], map: new Map([["a", 1]]) };
      });
      const same = { list: [1], map: new Map([["a", 1]]) };
      const all = await Promise.all([f(), f(), f()]);
      all[0].list.push(2);
      all[1].map.set("b", 2);
      expect(all[2]).to.deep.equal(same);
      const hit = await f();
      expect(hit).to.deep.equal(same);
      hit.list.length = 0;
      expect(await f()).to.deep.equal(same);
    });

    it("a value that the function cannot change afterwards", async () => {
      const kept = { list: [1] };
      const f = new Cache().memoize({}, async function f() {
        return kept;
      });
      await f();
      kept.list.push(2);
      expect(await f()).to.deep.equal({ list: [1] });
    });

    it("with copy: false one frozen value, from the first call on", async () => {
      const f = new Cache().memoize({ copy: false }, async function f() {
        return { list: [{ a: 1 }] };
      });
      const all = [...(await Promise.all([f(), f()])), await f(), await f()];
      expect(new Set(all).size).to.equal(1);
      expect(() => (all[0]!.list[0]!.a = 2)).to.throw(TypeError);
      expect(() => all[0]!.list.push({ a: 2 })).to.throw(TypeError);
    });
  });

  describe("spreads and advances the work", () => {
    const { random } = Math;
    afterEach(() => {
      Math.random = random;
    });

    it("jitter: a random part of the timeout is taken off", async () => {
      Math.random = () => 0.5;
      const f = new Cache().memoize({ name: "f", timeout: 100, jitter: 0.4 }, marking());
      const first = await f(1);
      clock.jump(79);
      expect(await f(1)).to.equal(first);
      clock.jump(1);
      expect(await f(1)).not.to.equal(first);
    });

    it("earlyRefresh: a hit near the end may renew the result in the background", async () => {
      const cache = new Cache();
      let runs = 0;
      const f = cache.memoize({ timeout: 100, earlyRefresh: 1 }, async function f() {
        runs += 1;
        await clock.pass(runs === 1 ? 10 : 0);
        return runs;
      });
      Math.random = () => 0.9;
      await f();
      for (let call = 0; call < 3; call += 1) expect(await f()).to.equal(1);
      expect(runs).to.equal(1);
      clock.jump(89);
      // -ln(1e-9) is above 20 times the cost of 10 seconds, which is beyond the end.
      Math.random = () => 1e-9;
      expect(await f()).to.equal(1);
      await cache.idle();
      expect(runs).to.equal(2);
      Math.random = () => 0.9;
      expect(await f()).to.equal(2);
    });
  });

  describe("computes once a key at a time", () => {
    it("for any number of callers, who all get the result", async () => {
      const gate = deferred();
      let runs = 0;
      const f = new Cache().memoize({}, async function f(id: number) {
        runs += 1;
        await gate.promise;
        return id;
      });
      const calls = Array.from({ length: 1000 }, (_, index) => f(index % 2));
      await settled();
      calls.push(f(0), f(1));
      gate.resolve();
      expect((await Promise.all(calls)).filter((id) => id === 1)).to.have.length(501);
      expect(runs).to.equal(2);
    });

    it("sharing one failure, which the next call does not meet", async () => {
      let runs = 0;
      const f = new Cache().memoize({}, async function f() {
        runs += 1;
        await settled();
        if (runs === 1) throw new Error("once");
        return runs;
      });
      const failures = await Promise.all([f(), f(), f()].map(failureOf));
      expect(new Set(failures).size).to.equal(1);
      expect(runs).to.equal(1);
      expect(await f()).to.equal(2);
    });

    it("also when it calls itself with other arguments", async () => {
      let runs = 0;
      const fibonacci: (n: number) => Promise<number> = new Cache().memoize(
        { name: "fibonacci" },
        async (n: number): Promise<number> => {
          runs += 1;
          if (n < 2) return n;
          const [a, b] = await Promise.all([fibonacci(n - 1), fibonacci(n - 2)]);
          return a + b;
        },
      );
      expect(await fibonacci(40)).to.equal(102_334_155);
      expect(runs).to.equal(41);
    });

    it("but never waits for itself, directly or around", async () => {
      const cache = new Cache();
      let depth = 0;
      const self: () => Promise<string> = cache.memoize(
        { name: "self" },
        async (): Promise<string> => {
          depth += 1;
          return depth < 3 ? `(${await self()})` : "end";
        },
      );
      expect(await self()).to.equal("((end))");
      let left = 4;
      const ping: () => Promise<string> = cache.memoize(
        { name: "ping" },
        async (): Promise<string> => {
          await settled();
          left -= 1;
          return left < 0 ? "!" : `ping ${await pong()}`;
        },
      );
      const pong: () => Promise<string> = cache.memoize(
        { name: "pong" },
        async (): Promise<string> => {
          await settled();
          left -= 1;
          return left < 0 ? "!" : `pong ${await ping()}`;
        },
      );
      const both = await Promise.all([ping(), pong()]);
      expect(both[0]).to.match(/^ping pong/);
      expect(both[1]).to.match(/^pong ping/);
    });
  });

  it("tells of hits and misses by name and key (K152) (K153) (K154) (K155)", async () => {
    const cache = new Cache();
    const heard: unknown[] = [];
    for (const event of ["hit", "miss"] as const) {
      cache.on(event, ({ key, name }) => heard.push([event, name, key]));
    }
    let force = false;
    let stale = false;
    const options = { name: "f", forcedUpdate: () => force, isStale: () => stale };
    const f = cache.memoize(options, marking());
    const key = await f.makeCacheKey({ b: 1, a: 2 });
    await f({ b: 1, a: 2 });
    await f({ a: 2, b: 1 });
    force = true;
    await f({ a: 2, b: 1 });
    force = false;
    stale = true;
    await f({ a: 2, b: 1 });
    expect(heard).to.deep.equal(["miss", "hit", "miss", "miss"].map((event) => [event, "f", key]));
    expect(cache.stats().functions.get("f")).to.include({ hits: 1, misses: 3, writes: 3 });
  });

  it("leaves functions as they are when the cache is off", async () => {
    const cache = new Cache({ enabled: false });
    const f = cache.memoize({ name: "f", makeCacheKey: () => 5 as never }, marking());
    expect(await f(1)).not.to.equal(await f(1));
    expect(await f(() => undefined)).to.be.a("string");
    expect(await f.refresh(1)).to.be.a("string");
  });

  it("may be used before the cache is configured", async () => {
    const cache = new Cache();
    const f = cache.memoize({ name: "f" }, marking());
    const { default: Koa } = await import("koa");
    cache.initApp(new Koa(), { timeout: 2 });
    const first = await f(1);
    clock.jump(1);
    expect(await f(1)).to.equal(first);
    clock.jump(1);
    expect(await f(1)).not.to.equal(first);
  });
});
