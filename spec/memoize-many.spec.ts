// memoizeMany(): results by id, read, computed and written together.
import { expect } from "chai";
import { Cache, OptionError, type CacheEvent, type MemoizeManyOptions } from "../src/index.js";
import { stopClock } from "./support/clock.js";
import { deferred, failureOf, settled } from "./support/computation.js";

/** A function of many ids that remembers what it was asked, and finds the ids below 100. */
function loading() {
  const asked: number[][] = [];
  const load = async function users(ids: number[]): Promise<Map<number, string>> {
    asked.push([...ids]);
    const run = asked.length;
    return new Map(ids.filter((id) => id < 100).map((id) => [id, `user ${id} #${run}`]));
  };
  return { asked, load };
}

function setUp(options: MemoizeManyOptions<number, string> = {}) {
  const cache = new Cache();
  const { asked, load } = loading();
  return { cache, asked, users: cache.memoizeMany(options, load) };
}

describe("memoizeMany()", () => {
  const clock = stopClock();

  describe("gives values by id", () => {
    it("asking for the missing ids only, in order and once each", async () => {
      const { asked, users } = setUp();
      expect(await users([3, 1, 3, 2, 1])).to.deep.equal(
        new Map([
          [3, "user 3 #1"],
          [1, "user 1 #1"],
          [2, "user 2 #1"],
        ]),
      );
      expect([...(await users([5, 2, 4, 5, 3])).entries()]).to.deep.equal([
        [5, "user 5 #2"],
        [2, "user 2 #1"],
        [4, "user 4 #2"],
        [3, "user 3 #1"],
      ]);
      await users([1, 2, 3, 4, 5]);
      expect(asked).to.deep.equal([
        [3, 1, 2],
        [5, 4],
      ]);
    });

    it("an empty list without asking anybody", async () => {
      const { asked, users } = setUp();
      expect(await users([])).to.deep.equal(new Map());
      expect(await users.refresh([])).to.deep.equal(new Map());
      expect(asked).to.deep.equal([]);
    });

    it("undefined for an id that was not found, which is not kept", async () => {
      const { asked, users } = setUp();
      const found = await users([1, 101]);
      expect([...found]).to.deep.equal([
        [1, "user 1 #1"],
        [101, undefined],
      ]);
      await users([1, 101]);
      expect(asked).to.deep.equal([[1, 101], [101]]);
    });

    it("undefined from the store, if what is absent is stored (storeAbsent)", async () => {
      const { asked, users } = setUp({ storeAbsent: true });
      await users([1, 101]);
      expect([...(await users([101, 1]))]).to.deep.equal([
        [101, undefined],
        [1, "user 1 #1"],
      ]);
      expect(asked).to.have.length(1);
    });

    it("an undefined that the function gave, from then on", async () => {
      let runs = 0;
      const f = new Cache().memoizeMany({}, async function f(ids: number[]) {
        runs += 1;
        return new Map(ids.map((id) => [id, undefined]));
      });
      await f([1]);
      expect([...(await f([1]))]).to.deep.equal([[1, undefined]]);
      expect(runs).to.equal(1);
    });

    it("until their timeout, each by itself", async () => {
      const { asked, users } = setUp({ timeout: (_user, id) => id });
      await users([5, 10]);
      clock.jump(5);
      await users([5, 10]);
      expect(asked).to.deep.equal([[5, 10], [5]]);
      users.cacheTimeout = 1;
      expect(users.cacheTimeout).to.equal(1);
      expect(() => (users.cacheTimeout = -1)).to.throw(OptionError);
      await users([7]);
      clock.jump(1);
      await users([7]);
      expect(asked.slice(2)).to.deep.equal([[7], [7]]);
    });

    it("told apart by type and content", async () => {
      const asked: unknown[][] = [];
      const f = new Cache().memoizeMany({}, async function f(ids: unknown[]) {
        asked.push([...ids]);
        return new Map(ids.map((id) => [id, { id }]));
      });
      const ids = [1, "1", 1n, true, null, undefined, NaN, -0, { a: 1, b: 2 }, [1]];
      const found = await f(ids);
      for (const id of ids) expect(found.get(id)).to.deep.equal({ id });
      const twin = { b: 2, a: 1 };
      expect((await f([twin])).get(twin)).to.deep.equal({ id: { a: 1, b: 2 } });
      await f(ids);
      expect(asked).to.deep.equal([ids]);
      const error = await failureOf(f([1, () => undefined]));
      expect(error).to.include({ code: "ERR_ARGUMENT_KEY" });
    });

    it("also where two ids stand for one thing", async () => {
      const asked: string[][] = [];
      const options = { argsKey: async (id: string) => id.toLowerCase() };
      const f = new Cache().memoizeMany(options, async function f(ids: string[]) {
        asked.push([...ids]);
        return new Map(ids.map((id) => [id, `found as ${id}`]));
      });
      expect([...(await f(["A", "b", "a"]))]).to.deep.equal([
        ["A", "found as A"],
        ["b", "found as b"],
        ["a", "found as A"],
      ]);
      expect((await f(["B"])).get("B")).to.equal("found as b");
      expect(asked).to.deep.equal([["A", "b"]]);
    });

    it("whatever the function does to the list it is given", async () => {
      const f = new Cache().memoizeMany({}, async function f(ids: number[]) {
        const found = new Map(ids.map((id) => [id, `value ${id}`]));
        ids.reverse();
        ids.length = 1;
        return found;
      });
      const expected = [1, 2, 3].map((id) => [id, `value ${id}`]);
      expect([...(await f([1, 2, 3]))]).to.deep.equal(expected);
      expect([...(await f([1, 2, 3]))]).to.deep.equal(expected);
    });

    it("whatever the caller does to his list afterwards", async () => {
      for (const options of [
        {},
        { unless: async () => true },
        { argsKey: async (id: number) => id },
      ]) {
        const { users } = setUp(options);
        const ids = [1, 2];
        const found = users(ids);
        ids.splice(0, 2, 9, 9, 9);
        expect([...(await found).keys()]).to.deep.equal([1, 2]);
      }
    });

    it("and each caller a copy of his own", async () => {
      const f = new Cache().memoizeMany({}, async function f(ids: number[]) {
        return new Map(ids.map((id) => [id, [id]]));
      });
      const [first, second] = await Promise.all([f([1]), f([1])]);
      first.get(1)!.push(9);
      expect(second.get(1)).to.deep.equal([1]);
      (await f([1])).get(1)!.push(9);
      expect((await f([1])).get(1)).to.deep.equal([1]);
    });

    it("or one frozen value for all with copy: false", async () => {
      const f = new Cache().memoizeMany({ copy: false }, async function f(ids: number[]) {
        return new Map(ids.map((id) => [id, { id }]));
      });
      const all = await Promise.all([f([1]), f([1]), f([1])]);
      const values = [...all, await f([1])].map((found) => found.get(1));
      expect(new Set(values).size).to.equal(1);
      expect(() => (values[0]!.id = 2)).to.throw(TypeError);
    });
  });

  describe("computes an id once at a time", () => {
    it("for calls that share some ids", async () => {
      const { asked, users } = setUp();
      const [first, second, third] = await Promise.all([
        users([1, 2, 3]),
        users([2, 3, 4]),
        users([4, 1]),
      ]);
      expect(asked).to.deep.equal([[1, 2, 3], [4]]);
      expect(first.get(2)).to.equal(second.get(2));
      expect(second.get(4)).to.equal(third.get(4));
      expect([...third.keys()]).to.deep.equal([4, 1]);
    });

    it("however the calls lie in time", async () => {
      for (let ticks = 0; ticks < 60; ticks += 1) {
        const { asked, users } = setUp();
        const first = users([1, 2]);
        for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
        await Promise.all([first, users([2, 3])]);
        expect(asked, `${ticks} ticks`).to.deep.equal([[1, 2], [3]]);
      }
    });

    it("and does not let the calls wait for more than they asked", async () => {
      const cache = new Cache();
      const slow = deferred();
      const f = cache.memoizeMany({}, async function f(ids: number[]) {
        if (ids.includes(1)) await slow.promise;
        return new Map(ids.map((id) => [id, id]));
      });
      const first = f([1]);
      await settled();
      expect((await f([2])).get(2)).to.equal(2);
      slow.resolve();
      await first;
    });

    it("sharing a failure with those who wait, and with nobody else", async () => {
      const cache = new Cache();
      let fails = true;
      const asked: number[][] = [];
      const f = cache.memoizeMany({}, async function f(ids: number[]) {
        asked.push([...ids]);
        await settled();
        if (fails && ids.includes(1)) throw new Error("no 1");
        return new Map(ids.map((id) => [id, id]));
      });
      const calls = [f([1, 2]), f([2, 3]), f([3])];
      expect(String(await failureOf(calls[0]!))).to.include("no 1");
      expect(String(await failureOf(calls[1]!))).to.include("no 1");
      expect((await calls[2]!).get(3)).to.equal(3);
      fails = false;
      expect([...(await f([1, 2, 3])).values()]).to.deep.equal([1, 2, 3]);
      expect(asked).to.deep.equal([[1, 2], [3], [1, 2]]);
    });

    it("but never waits for itself", async () => {
      const cache = new Cache();
      let depth = 0;
      const inner: { f?: (ids: number[]) => Promise<Map<number, unknown>> } = {};
      const f = cache.memoizeMany(
        { name: "f" },
        async (ids: number[]): Promise<Map<number, string>> => {
          depth += 1;
          if (depth > 2) return new Map(ids.map((id) => [id, "end"]));
          const found = await inner.f!([...ids, 7]);
          return new Map(ids.map((id) => [id, `(${String(found.get(id))})`]));
        },
      );
      inner.f = f;
      const found = await f([1, 2]);
      expect([...found]).to.deep.equal([
        [1, "((end))"],
        [2, "((end))"],
      ]);
    });

    it("each for itself where the values cannot be shared", async () => {
      const cache = new Cache();
      const errors: CacheEvent[] = [];
      cache.on("error", (event) => errors.push(event));
      const asked: number[][] = [];
      const f = cache.memoizeMany({}, async function f(ids: number[]) {
        asked.push([...ids]);
        await settled();
        return new Map(ids.map((id) => [id, id === 1 ? () => id : id]));
      });
      const [first, second] = await Promise.all([f([1, 2]), f([1, 2])]);
      expect(first.get(1)).to.be.a("function");
      expect(second.get(1)).to.be.a("function");
      expect(asked).to.deep.equal([[1, 2], [1]]);
      expect(errors[0]!.error).to.include({ code: "ERR_NOT_CARRIABLE" });
      await f([2]);
      expect(asked).to.have.length(2);
    });
  });

  describe("forgets", () => {
    it("ids, telling which were there", async () => {
      const { asked, users } = setUp();
      await users([1, 2]);
      expect(await users.invalidate(2, 3)).to.deep.equal([true, false]);
      await users([1, 2]);
      expect(asked).to.deep.equal([[1, 2], [2]]);
    });

    it("one id by deleteMemoized(), and all of them", async () => {
      const { cache, asked, users } = setUp();
      await users([1, 2]);
      expect(await cache.deleteMemoized(users, 1)).to.equal(true);
      await users([1, 2]);
      await cache.deleteMemoized(users);
      await users([1, 2]);
      await users.deleteMemoized();
      await users([1, 2]);
      await cache.deleteMemoizedVerhash(users);
      await users([1, 2]);
      expect(asked).to.deep.equal([[1, 2], [1], [1, 2], [1, 2], [1, 2]]);
    });

    it("what is being computed when its id is deleted", async () => {
      const cache = new Cache();
      let answer = "old";
      const gate = deferred();
      const f = cache.memoizeMany({}, async function f(ids: number[]) {
        const found = new Map(ids.map((id) => [id, answer]));
        await gate.promise;
        return found;
      });
      const first = f([1, 2]);
      await settled();
      answer = "new";
      await f.invalidate(1);
      const second = f([1, 2]);
      await settled();
      gate.resolve();
      expect([...(await first).values()]).to.deep.equal(["old", "old"]);
      expect([...(await second).values()]).to.deep.equal(["new", "old"]);
      expect([...(await f([1, 2])).values()]).to.deep.equal(["new", "old"]);
    });

    it("by tags of the values, and by those of all", async () => {
      const { cache, asked, users } = setUp({ tags: (_user, id) => [`user:${id}`] });
      await users([1, 2]);
      await cache.invalidateTags("user:1");
      await users([1, 2]);
      expect(asked).to.deep.equal([[1, 2], [1]]);
      const all = setUp({ tags: ["users"] });
      await all.users([1, 2]);
      await all.cache.invalidateTags("users");
      await all.users([1, 2]);
      expect(all.asked).to.deep.equal([
        [1, 2],
        [1, 2],
      ]);
    });

    it("keeping what is absent out of the store for those who wait, too", async () => {
      const cache = new Cache();
      const gate = deferred();
      const asked: number[][] = [];
      const inner = cache.memoize({ tags: ["t"] }, async function inner() {});
      const f = cache.memoizeMany({}, async function f(ids: number[]) {
        asked.push([...ids]);
        await inner();
        await gate.promise;
        return new Map(ids.filter((id) => id < 100).map((id) => [id, id]));
      });
      const first = f([1, 101]);
      await settled();
      await cache.invalidateTags("t");
      const second = f([1, 101]);
      await settled();
      gate.resolve();
      await Promise.all([first, second]);
      expect([...(await f([101]))]).to.deep.equal([[101, undefined]]);
      await f([101]);
      expect(asked.slice(-2)).to.deep.equal([[101], [101]]);
    });
  });

  describe("asks its callables", () => {
    it("about the values that were found, and about no others", async () => {
      const asked: unknown[] = [];
      const note =
        <T>(what: string, answer: T) =>
        (...all: unknown[]): T => {
          asked.push([what, ...all]);
          return answer;
        };
      const { users } = setUp({
        timeout: note("timeout", 5),
        shouldCache: note("shouldCache", true),
        tags: note<string[]>("tags", []),
        isStale: note("isStale", false),
      });
      await users([1, 101]);
      expect(asked).to.have.deep.members([
        ["timeout", "user 1 #1", 1],
        ["shouldCache", "user 1 #1", 1],
        ["tags", "user 1 #1", 1],
      ]);
      asked.length = 0;
      await users([1, 101]);
      expect(asked).to.deep.equal([["isStale", "user 1 #1", 1]]);
    });

    it("unless and forcedUpdate: once a call, with the ids", async () => {
      const seen: unknown[] = [];
      const { cache, asked, users } = setUp({
        unless: async (ids) => (seen.push(["unless", ids]), ids.includes(9)),
        forcedUpdate: (ids) => (seen.push(["forced", ids]), ids.includes(8)),
      });
      await users([1, 2]);
      expect(seen).to.deep.equal([
        ["unless", [1, 2]],
        ["forced", [1, 2]],
      ]);
      expect([...(await users([9, 1, 9, 101]))]).to.deep.equal([
        [9, "user 9 #2"],
        [1, "user 1 #2"],
        [101, undefined],
      ]);
      expect(await cache.has(await users.makeCacheKey(9))).to.equal(false);
      await users([8, 1]);
      expect((await users([1])).get(1)).to.equal("user 1 #3");
      expect(asked).to.deep.equal([
        [1, 2],
        [9, 1, 101],
        [8, 1],
      ]);
    });

    it("isStale and shouldCache: for each id", async () => {
      const { asked, users } = setUp({
        isStale: async (_user, id) => id === 1,
        shouldCache: async (_user, id) => id !== 2,
      });
      await users([1, 2, 3]);
      await users([1, 2, 3]);
      expect(asked).to.deep.equal([
        [1, 2, 3],
        [1, 2],
      ]);
    });

    it("and passes on what they throw, leaving nobody waiting", async () => {
      for (const what of ["timeout", "shouldCache", "tags", "isStale", "argsKey"]) {
        let fails = false;
        const { users } = setUp({
          staleIfError: 100,
          timeout: what === "isStale" ? 5 : 1,
          [what]: () => {
            if (fails) throw new Error(what);
            return what === "timeout" ? 1 : what === "tags" ? [] : what === "isStale" ? false : 1;
          },
        });
        await users([1]);
        clock.jump(2);
        fails = true;
        const both = await Promise.all([users([1, 2]), users([2, 1])].map(failureOf));
        expect(both.map(String), what).to.deep.equal([`Error: ${what}`, `Error: ${what}`]);
        fails = false;
        expect((await users([2])).has(2)).to.equal(true);
      }
    });
  });

  describe("serves old values", () => {
    it("while new ones are made, all by one call in the background", async () => {
      const { cache, asked, users } = setUp({ timeout: 10, staleWhileRevalidate: 10 });
      await users([1, 2, 3]);
      clock.jump(11);
      const found = await Promise.all([users([1, 2, 4]), users([1, 2, 3]), users([2])]);
      expect(found[0].get(1)).to.equal("user 1 #1");
      expect(found[1].get(3)).to.equal("user 3 #1");
      await cache.idle();
      expect(asked.map((ids) => ids.toSorted((a, b) => a - b))).to.have.deep.members([
        [1, 2, 3],
        [4],
        [1, 2],
        [3],
      ]);
      expect(cache.stats()).to.include({ stale: 6, misses: 4, hits: 0 });
      await users([1, 2, 3, 4]);
      expect(asked).to.have.length(4);
    });

    it("and tells of a background failure without rejecting anything", async () => {
      const cache = new Cache();
      const errors: CacheEvent[] = [];
      cache.on("error", (event) => errors.push(event));
      let runs = 0;
      const options = { timeout: 10, staleWhileRevalidate: 10 };
      const f = cache.memoizeMany(options, async function f(ids: number[]) {
        runs += 1;
        if (runs > 1) throw new Error("gone");
        return new Map(ids.map((id) => [id, id]));
      });
      await f([1, 2]);
      clock.jump(11);
      expect([...(await f([1, 2])).values()]).to.deep.equal([1, 2]);
      await cache.idle();
      expect(errors.map(({ error }) => error?.message)).to.deep.equal(["gone"]);
    });

    it("when making new ones fails, if there are old ones for all", async () => {
      const cache = new Cache();
      cache.on("error", () => undefined);
      let fails = false;
      const f = cache.memoizeMany(
        { timeout: 10, staleIfError: 10 },
        async function f(ids: number[]) {
          await settled();
          if (fails) throw new Error("gone");
          return new Map(ids.map((id) => [id, id]));
        },
      );
      await f([1, 2]);
      clock.jump(11);
      fails = true;
      expect([...(await f([2, 1]))]).to.deep.equal([
        [2, 2],
        [1, 1],
      ]);
      const [both, old] = [f([1, 3]), f([1])];
      expect(String(await failureOf(both))).to.include("gone");
      expect((await old).get(1)).to.equal(1);
      clock.jump(10);
      expect(String(await failureOf(f([1])))).to.include("gone");
    });

    it("earlyRefresh: renewing some before their time, in the background", async () => {
      const { random } = Math;
      try {
        const cache = new Cache();
        let runs = 0;
        const f = cache.memoizeMany(
          { timeout: 100, earlyRefresh: 1 },
          async function f(ids: number[]) {
            runs += 1;
            await clock.pass(runs === 1 ? 10 : 0);
            return new Map(ids.map((id) => [id, runs]));
          },
        );
        Math.random = () => 0.9;
        await f([1, 2]);
        await f([1, 2]);
        clock.jump(89);
        Math.random = () => 1e-9;
        expect([...(await f([1, 2])).values()]).to.deep.equal([1, 1]);
        await cache.idle();
        expect(runs).to.equal(2);
      } finally {
        Math.random = random;
      }
    });
  });

  it("travels: what is built from a value dies with it, and with the function", async () => {
    const { cache, users } = setUp({ tags: (_user, id) => [`user:${id}`] });
    let runs = 0;
    const page = cache.memoize({}, async function page(...ids: number[]) {
      runs += 1;
      await users(ids);
      return runs;
    });
    await page(1, 2);
    await page(3);
    await cache.invalidateTags("user:2");
    expect([await page(1, 2), await page(3)]).to.deep.equal([3, 2]);
    await cache.deleteMemoized(users);
    expect([await page(1, 2), await page(3)]).to.deep.equal([4, 5]);
  });

  it("travels when nothing was found, or loading failed", async () => {
    const cache = new Cache();
    let fails = false;
    const users = cache.memoizeMany({ name: "users" }, async (_ids: number[]) => {
      if (fails) throw new Error("down");
      return new Map<number, string>();
    });
    let runs = 0;
    const page = cache.memoize({}, async function page(id: number) {
      runs += 1;
      const found = await users([id]).catch(() => new Map());
      return `${runs} ${found.get(id)}`;
    });
    expect(await page(1)).to.equal("1 undefined");
    fails = true;
    expect(await page(2)).to.equal("2 undefined");
    expect([await page(1), await page(2)]).to.deep.equal(["1 undefined", "2 undefined"]);
    await cache.deleteMemoized(users);
    expect([await page(1), await page(2)]).to.deep.equal(["3 undefined", "4 undefined"]);
  });

  it("has a name, the original, and the key of an id", async () => {
    const cache = new Cache();
    const { load } = loading();
    const users = cache.memoizeMany({}, load);
    expect(users.name).to.equal("users");
    expect(users.uncached).to.equal(load);
    const found = await users([1]);
    expect(await users.makeCacheKey(1)).to.equal("users(1)");
    expect(await cache.get("users(1)")).to.equal(found.get(1));
  });

  it("refreshes ids whatever is stored", async () => {
    const { asked, users } = setUp();
    await users([1, 2]);
    expect([...(await users.refresh([2, 3]))]).to.deep.equal([
      [2, "user 2 #2"],
      [3, "user 3 #2"],
    ]);
    expect((await users([2])).get(2)).to.equal("user 2 #2");
    expect(asked).to.have.length(2);
  });

  it("simply runs the function when the cache is off", async () => {
    const cache = new Cache({ enabled: false });
    const { asked, load } = loading();
    const users = cache.memoizeMany({}, load);
    expect([...(await users([2, 1, 2, 101]))]).to.deep.equal([
      [2, "user 2 #1"],
      [1, "user 1 #1"],
      [101, undefined],
    ]);
    await users.refresh([1]);
    expect(asked).to.deep.equal([[2, 1, 101], [1]]);
  });

  it("refuses what it cannot work with, saying what it takes", async () => {
    const cache = new Cache();
    const wrong =
      (options: object): (() => unknown) =>
      () =>
        cache.memoizeMany(options, async function f() {
          return new Map();
        });
    expect(wrong({ storeAbsent: 1 })).to.throw(OptionError, "storeAbsent");
    expect(wrong({ storeAbsnet: true })).to.throw(OptionError, "Did you mean storeAbsent?");
    expect(wrong({ makeCacheKey: () => "key" })).to.throw(OptionError, "makeCacheKey");
    expect(() => cache.memoizeMany({}, 5 as never)).to.throw(OptionError);
    const { users } = setUp();
    for (const ids of [5, "12", undefined, new Set([1]), { length: 1 }]) {
      expect(await failureOf(users(ids as never))).to.be.instanceOf(OptionError);
      expect(await failureOf(users.refresh(ids as never))).to.be.instanceOf(OptionError);
    }
    for (const given of [undefined, [], {}, [[1, 2]]]) {
      const f = new Cache().memoizeMany({}, async function f() {
        return given;
      } as never);
      const error = await failureOf(f([1]));
      expect(error).to.be.instanceOf(OptionError);
      expect(String(error)).to.include("must give a Map");
    }
  });
});
