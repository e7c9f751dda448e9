import { expect } from "chai";
import { Cache, OptionError, runInRequestContext } from "../src/index.js";
import { stopClock } from "./support/clock.js";
import { deferred, failureOf, settled } from "./support/computation.js";
/** A cache, and how often each function ran. */
function setUp() {
  const cache = new Cache();
  const runs: Record<string, number> = {};
  const count = (name: string): number => (runs[name] = (runs[name] ?? 0) + 1);
  return { cache, runs, count };
}
/** Two functions made alike. */
function pair<T>(make: (name: string) => T): readonly [T, T] {
  return [make("one"), make("two")];
}

describe("tags", () => {
  const clock = stopClock();
  describe("outdate results", () => {
    it("that carry one of them, and no others", async () => {
      const { cache, count } = setUp();
      const f = cache.memoize({ name: "f", tags: ["a", "b"] }, async () => count("f"));
      const g = cache.memoize({ name: "g", tags: "b" }, async () => count("g"));
      const h = cache.memoize({ name: "h" }, async () => count("h"));
      const all = () => Promise.all([f(), g(), h()]);
      await all();
      await cache.invalidateTags("a");
      expect(await all()).to.deep.equal([2, 1, 1]);
      await cache.invalidateTags("b", "c");
      expect(await all()).to.deep.equal([3, 2, 1]);
      await cache.invalidateTags("c");
      await cache.invalidateTags();
      expect(await all()).to.deep.equal([3, 2, 1]);
    });
    it("by names that are made of the result and the arguments", async () => {
      const { cache, count } = setUp();
      const seen: unknown[][] = [];
      const options = {
        name: "f",
        tags: async (...all: unknown[]) => {
          seen.push(all);
          return [`user:${String(all[1])}`, "users", "users"];
        },
      };
      const f = cache.memoize(options, async (id) => count(`f${id}`));
      await Promise.all([f(1), f(2)]);
      expect(seen).to.deep.equal([
        [1, 1],
        [1, 2],
      ]);
      await cache.invalidateTags("user:1");
      expect([await f(1), await f(2)]).to.deep.equal([2, 1]);
      await cache.invalidateTags("users");
      expect([await f(1), await f(2)]).to.deep.equal([3, 2]);
    });
    it("of cached functions and of fetch() as well", async () => {
      const { cache, count } = setUp();
      const f = cache.cached({ keyPrefix: "f", tags: ["a"] }, async () => count("f"));
      const call = () => runInRequestContext("/", () => f());
      const fetch = () => cache.fetch("g", { tags: ["a"] }, () => count("g"));
      await Promise.all([call(), fetch()]);
      await cache.invalidateTags("a");
      expect(await Promise.all([call(), fetch()])).to.deep.equal([2, 2]);
    });
    it("however often and in whatever order they are named", async () => {
      const { cache, count } = setUp();
      const f = cache.memoize({ name: "f", tags: ["a", "a", "b", "a"] }, async () => count("f"));
      await f();
      expect(await f()).to.equal(1);
      await cache.invalidateTags("a", "a");
      expect(await f()).to.equal(2);
      expect(await f()).to.equal(2);
    });
    it("whatever text they are, internal names being out of reach", async () => {
      const { cache, count } = setUp();
      const names = ["r:", "f:f", "i:f:<User 7>", "t:x", ":", "*", "\xFC", "\n", "x".repeat(1000)];
      const f = cache.memoize({ name: "f" }, async () => count("f"));
      const tagged = names.map((name) =>
        cache.memoize({ name: `g ${name}`, tags: [name] }, async () => count(name)),
      );
      const call = () => Promise.all([f(), ...tagged.map((g) => g())]);
      await call();
      await cache.invalidateTags("r:", "f:f", "r", "f", "f:g r:", "t:t:x", "x");
      expect(await call()).to.deep.equal([1, 2, 2, ...names.slice(2).map(() => 1)]);
      await cache.invalidateTags(...names);
      expect(await call()).to.deep.equal([1, 3, 3, ...names.slice(2).map(() => 2)]);
    });
    it("and must be names, where they are written and where they are given", async () => {
      const { cache } = setUp();
      for (const tags of [[""], [5], [undefined], 5, {}]) {
        expect(() => cache.memoize({ tags } as never)).to.throw(OptionError, "tags");
        const f = new Cache().memoize({ name: "f", tags: (() => tags) as never }, async () => 1);
        expect(await failureOf(f())).to.be.instanceOf(OptionError);
      }
      for (const tag of ["", 5, null]) {
        expect(await failureOf(cache.invalidateTags(tag as never))).to.be.instanceOf(OptionError);
      }
    });
  });
  describe("travel from what is read to what is computed:", () => {
    it("a function's own version, without anybody naming it", async () => {
      const { cache, count } = setUp();
      const getUser = cache.memoize({ name: "getUser" }, async (id) => `${id} ${count("user")}`);
      const page = cache.memoize({ name: "page" }, async (id) => `page of ${await getUser(id)}`);
      await Promise.all([page(7), page(8)]);
      await cache.deleteMemoized(getUser);
      expect([await page(7), await page(8)]).to.deep.equal(["page of 7 3", "page of 8 4"]);
      expect(await page(7)).to.equal("page of 7 3");
    });
    it("tags by name and by result, on a miss and on a hit", async () => {
      const { cache, count } = setUp();
      const options = { name: "getUser", tags: (_user: string, id: number) => [`user:${id}`] };
      const getUser = cache.memoize(options, async (id) => `${id} ${count("user")}`);
      const page = cache.memoize({ name: "page" }, async (id) => `page of ${await getUser(id)}`);
      await getUser(7);
      await getUser(7);
      await page(7);
      await page(8);
      await cache.invalidateTags("user:7");
      expect(await page(7)).to.equal("page of 7 3");
      expect(await page(8)).to.equal("page of 8 2");
    });
    it("through any depth, each level dying with what is beneath it", async () => {
      const { cache, runs, count } = setUp();
      const level = [cache.memoize({ name: "0", tags: ["deep"] }, async () => count("0"))];
      for (let depth = 1; depth < 20; depth += 1) {
        const below = level[depth - 1]!;
        level.push(
          cache.memoize({ name: `${depth}` }, async () => {
            count(`${depth}`);
            return below();
          }),
        );
      }
      await level.at(-1)!();
      await level.at(-1)!();
      await cache.deleteMemoized(level[10]!);
      await level.at(-1)!();
      expect([runs["19"], runs["10"], runs["9"], runs["0"]]).to.deep.equal([2, 2, 1, 1]);
      await cache.invalidateTags("deep");
      expect(await level.at(-1)!()).to.equal(2);
      expect([runs["19"], runs["10"], runs["9"], runs["0"]]).to.deep.equal([3, 3, 2, 2]);
    });
    it("across every kind of wrapper", async () => {
      const { cache, count } = setUp();
      class Repository {
        @cache.memoize({ tags: ["rows"] })
        async rows(): Promise<number> {
          return count("rows");
        }
      }
      const repository = new Repository();
      const many = cache.memoizeMany({ name: "many" }, async (ids) => {
        const rows = await repository.rows();
        return new Map(ids.map((id) => [id, rows]));
      });
      const fetched = () => cache.fetch("fetched", {}, async () => (await many([1])).get(1));
      const cached = cache.cached({ keyPrefix: "cached" }, fetched);
      const page = cache.memoize({ name: "page" }, () => cached());
      const call = () => runInRequestContext("/", () => page());
      expect([await call(), await call()]).to.deep.equal([1, 1]);
      await cache.deleteMemoized(repository.rows);
      expect([await call(), await call()]).to.deep.equal([2, 2]);
      await cache.invalidateTags("rows");
      expect([await call(), await call()]).to.deep.equal([3, 3]);
    });
    it("from values read by key", async () => {
      const { cache, count } = setUp();
      const f = cache.memoize({ name: "f", tags: ["f"] }, async () => count("f"));
      const key = await f.makeCacheKey();
      const page = cache.memoize({ name: "page" }, async () => [
        count("page"),
        await cache.get(key),
        await cache.getMany([key]),
      ]);
      await f();
      await page();
      await cache.invalidateTags("f");
      expect((await page())[0]).to.equal(2);
    });
    it("to those who waited for the computation", async () => {
      const { cache, count } = setUp();
      const gate = deferred();
      const inner = cache.memoize({ name: "inner", tags: () => ["late"] }, async () => {
        await gate.promise;
        return count("inner");
      });
      const [one, two] = pair((name) =>
        cache.memoize({ name }, async () => `${name} ${count(name)} ${await inner()}`),
      );
      const both = [one(), two()];
      await settled();
      gate.resolve();
      expect(await Promise.all(both)).to.deep.equal(["one 1 1", "two 1 1"]);
      await cache.invalidateTags("late");
      expect([await two(), await one()]).to.deep.equal(["two 2 2", "one 2 2"]);
      await cache.deleteMemoized(inner);
      expect([await two(), await one()]).to.deep.equal(["two 3 3", "one 3 3"]);
    });
    it("from values that are too old but served, and from those that stand in", async () => {
      const { cache, count } = setUp();
      cache.on("error", () => undefined);
      const options = { name: "inner", timeout: 1, staleWhileRevalidate: 50, staleIfError: 100 };
      let fails = false;
      const inner = cache.memoize(options, async () => {
        if (fails) throw new Error("down");
        return count("inner");
      });
      const [one, two] = pair((name) =>
        cache.memoize(
          { name },
          async () => `${name} ${count(name)} ${await inner().catch(() => "-")}`,
        ),
      );
      await inner();
      clock.jump(2);
      fails = true;
      expect(await one()).to.equal("one 1 1");
      await cache.idle();
      clock.jump(60);
      expect(await two()).to.equal("two 1 1");
      fails = false;
      await cache.deleteMemoized(inner);
      expect([await one(), await two()]).to.deep.equal(["one 2 2", "two 2 2"]);
    });
    it("from what failed, so that a caught failure is not kept beyond its cause", async () => {
      const { cache, count } = setUp();
      const users = new Map();
      const getUser = cache.memoize({ name: "getUser" }, async (id) => {
        await settled();
        if (!users.has(id)) throw new Error("no such user");
        return users.get(id);
      });
      const [one, two] = pair((name) =>
        cache.memoize(
          { name },
          async () => `${name} ${count(name)} ${await getUser(7).catch(() => "nobody")}`,
        ),
      );
      expect(await Promise.all([one(), two()])).to.deep.equal(["one 1 nobody", "two 1 nobody"]);
      expect(await Promise.all([one(), two()])).to.deep.equal(["one 1 nobody", "two 1 nobody"]);
      users.set(7, "Ada");
      await cache.deleteMemoized(getUser);
      expect(await Promise.all([one(), two()])).to.deep.equal(["one 2 Ada", "two 2 Ada"]);
    });
    it("from what a failed computation had read", async () => {
      const { cache, count } = setUp();
      const rights = cache.memoize({ name: "rights", tags: ["rights"] }, async () =>
        count("rights"),
      );
      const guarded = cache.memoize({ name: "guarded" }, async () => {
        if ((await rights()) === 1) throw new Error("forbidden");
        return "allowed";
      });
      const page = cache.memoize({ name: "page" }, () => guarded().catch(() => "refused"));
      expect([await page(), await page()]).to.deep.equal(["refused", "refused"]);
      await cache.invalidateTags("rights");
      expect(await page()).to.equal("allowed");
    });
    it("from what could not be stored", async () => {
      const { cache, count } = setUp();
      cache.on("error", () => undefined);
      const odd = cache.memoize({ name: "odd", tags: ["odd"] }, async () => {
        const run = count("odd");
        await settled();
        return () => run;
      });
      const [one, two] = pair((name) =>
        cache.memoize({ name }, async () => `${name} ${count(name)} ${(await odd())()}`),
      );
      const first = await Promise.all([one(), two()]);
      expect(await Promise.all([one(), two()])).to.deep.equal(first);
      await cache.invalidateTags("odd");
      const second = await Promise.all([one(), two()]);
      expect(second[0]).to.match(/^one 2/);
      expect(second[1]).to.match(/^two 2/);
      await cache.deleteMemoized(odd);
      expect(await one()).to.match(/^one 3/);
    });
    it("from what was refused by shouldCache", async () => {
      const { cache, count } = setUp();
      const options = {
        name: "inner",
        tags: ["inner"],
        shouldCache: () => false,
      };
      const inner = cache.memoize(options, async () => count("inner"));
      const page = cache.memoize({ name: "page" }, async () => `${count("page")} ${await inner()}`);
      await page();
      expect(await page()).to.equal("1 1");
      await cache.invalidateTags("inner");
      expect(await page()).to.equal("2 2");
    });
    it("from two calls between which it was forgotten, so that the older one is not kept", async () => {
      const { cache, count } = setUp();
      const gate = deferred();
      const inner = cache.memoize({ name: "inner" }, async (id: number) => {
        const run = count("inner");
        if (id === 1) await gate.promise;
        return run;
      });
      const outer = cache.memoize({ name: "outer" }, async () => {
        const older = inner(1);
        await settled();
        await cache.deleteMemoized(inner);
        const newer = await inner(2);
        gate.resolve();
        return `${count("outer")} ${await older} ${newer}`;
      });
      expect(await outer()).to.equal("1 1 2");
      expect(await outer()).to.match(/^2 /);
    });

    it("around a circle of functions that call each other", async () => {
      const { cache, count } = setUp();
      let left = 2;
      const ping = cache.memoize({ name: "ping" }, async (): Promise<string> => {
        const run = count("ping");
        left -= 1;
        return left < 0 ? `ping ${run}` : `ping ${run} ${await pong()}`;
      });
      const pong = cache.memoize({ name: "pong" }, async (): Promise<string> => {
        const run = count("pong");
        left -= 1;
        return left < 0 ? `pong ${run}` : `pong ${run} ${await ping()}`;
      });
      expect(await ping()).to.equal("ping 1 pong 1 ping 2");
      await cache.deleteMemoized(ping);
      left = 0;
      expect(await pong()).to.equal("pong 2");
    });
    it("but not from what was bypassed", async () => {
      const { cache, count } = setUp();
      const options = { name: "inner", tags: ["inner"], unless: () => true };
      const inner = cache.memoize(options, async () => count("inner"));
      const page = cache.memoize({ name: "page" }, async () => `${count("page")} ${await inner()}`);
      await page();
      await cache.invalidateTags("inner");
      expect(await page()).to.equal("1 1");
    });
    it("but timeouts do not travel", async () => {
      const { cache, count } = setUp();
      const inner = cache.memoize({ name: "inner", timeout: 1 }, async () => count("inner"));
      const page = cache.memoize(
        { name: "page", timeout: 10 },
        async () => `page ${await inner()}`,
      );
      await page();
      clock.jump(9);
      expect(await page()).to.equal("page 1");
    });
    it("only to what was computed from them, not to what ran beside it", async () => {
      const { cache, count } = setUp();
      const inner = cache.memoize({ name: "inner", tags: ["inner"] }, async () => count("inner"));
      const gate = deferred();
      const other = cache.memoize({ name: "other" }, async () => {
        await gate.promise;
        return count("other");
      });
      const page = cache.memoize({ name: "page" }, async () => `${count("page")} ${await inner()}`);
      const both = [other(), page(), inner()];
      await settled();
      gate.resolve();
      await Promise.all(both);
      await cache.invalidateTags("inner");
      expect([await other(), await page()]).to.deep.equal([1, "2 2"]);
    });
    it("only within one cache, and another one between does not keep its results from being kept", async () => {
      const { cache: near, count } = setUp();
      const far = new Cache();
      const inner = near.memoize({ name: "f" }, async () => `inner ${count("inner")}`);
      const middle = far.memoize(
        { name: "f2" },
        async () => `middle ${count("middle")} ${await inner()}`,
      );
      const outer = near.memoize(
        { name: "f3" },
        async () => `outer ${count("outer")} ${await middle()}`,
      );
      const text = "outer 1 middle 1 inner 1";
      expect([await outer(), await outer(), await middle()]).to.deep.equal([
        text,
        text,
        "middle 1 inner 1",
      ]);
      await far.deleteMemoized(middle);
      expect(await outer()).to.equal(text);
      await near.deleteMemoized(outer);
      expect([await outer(), await outer()]).to.deep.equal([
        "outer 2 middle 2 inner 1",
        "outer 2 middle 2 inner 1",
      ]);
    });
  });
});
