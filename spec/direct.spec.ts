import { expect } from "chai";
import { assert, asyncProperty, string, uniqueArray } from "fast-check";
import { Cache, runInRequestContext } from "../src/index.js";
import { counting, deferred, settled } from "./support/computation.js";

const stores: readonly (readonly [string, () => unknown])[] = [
  ["in memory", () => "memory:"],
  ["behind Keyv (K034, K065, K066)", () => new Map()],
];

for (const [where, store] of stores) {
  describe(`values by key, ${where}`, () => {
    let cache: Cache;
    beforeEach(() => {
      cache = new Cache({ store: store() });
    });
    afterEach(() => cache.close());

    it("get gives what set stored (C01, K002, K003, K010, K013, K036, L05)", async () => {
      const values: readonly unknown[] = [
        1,
        0,
        -1,
        1.5,
        "text",
        "",
        true,
        false,
        [1, [2]],
        { a: { b: 1 } },
      ];
      for (const value of values) {
        await cache.set("key", value);
        expect(await cache.get("key")).to.deep.equal(value);
      }
      await cache.set("bytes", Buffer.from("bytes"));
      expect(Buffer.from((await cache.get<Buffer>("bytes"))!).toString()).to.equal("bytes");
      expect(await cache.set("key", 1)).to.equal(undefined);
    });

    it("a stored undefined or null is a value: has tells, add does not replace it", async () => {
      for (const nothing of [undefined, null]) {
        const key = String(nothing);
        expect(await cache.has(key)).to.equal(false);
        await cache.set(key, nothing);
        expect(await cache.has(key)).to.equal(true);
        expect(await cache.get(key)).to.equal(nothing);
        expect(await cache.add(key, 1)).to.equal(false);
        expect(await cache.getDict([key, "absent"])).to.deep.equal(new Map([[key, nothing]]));
      }
      expect(await cache.get("absent")).to.equal(undefined);
    });

    it("add stores where nothing is, and nowhere else (C02, K006, K037, K038, L03)", async () => {
      expect(await cache.add("key", "first")).to.equal(true);
      expect(await cache.add("key", "second")).to.equal(false);
      expect(await cache.get("key")).to.equal("first");
    });

    it("add has one winner among concurrent callers (L16)", async () => {
      const added = await Promise.all(
        Array.from({ length: 20 }, (_, index) => cache.add("key", index)),
      );
      expect(added.filter(Boolean)).to.have.length(1);
      expect(await cache.get("key")).to.equal(added.indexOf(true));
    });

    it("delete removes, and tells whether there was something (C03, K007, K039, L15)", async () => {
      await cache.set("key", 1);
      expect(await cache.delete("key")).to.equal(true);
      expect(await cache.get("key")).to.equal(undefined);
      expect(await cache.delete("key")).to.equal(false);
    });

    it("deleteMany tells for each key; a missing one does not stop it (K008, K040, K043, O09, L02)", async () => {
      await cache.setMany({ a: 1, b: 2 });
      expect(await cache.deleteMany(["missing", "a", "b", "a"])).to.deep.equal([
        false,
        true,
        true,
        true,
      ]);
      expect(await cache.getMany(["a", "b"])).to.deep.equal([undefined, undefined]);
      expect(await cache.deleteMany([])).to.deep.equal([]);
    });

    it("getMany keeps the order of the keys, also where one is missing or asked twice (K004, L01)", async () => {
      await cache.setMany({ a: 1, b: 2, c: 3 });
      expect(await cache.getMany(["c", "missing", "a", "c"])).to.deep.equal([3, undefined, 1, 3]);
      expect(await cache.getMany([])).to.deep.equal([]);
    });

    it("getDict gives the values that there are, by key (K001, L01)", async () => {
      await cache.setMany({ a: 1, b: null });
      const found = await cache.getDict(["a", "b", "missing"]);
      expect([...found]).to.deep.equal([
        ["a", 1],
        ["b", null],
      ]);
    });

    it("setMany takes an object, a Map or pairs, with one timeout for all (K005, L01)", async () => {
      await cache.setMany({ a: 1 });
      await cache.setMany(new Map([["b", 2]]), 60);
      await cache.setMany(
        [
          ["c", 3],
          ["d", 4],
        ],
        "1m",
      );
      await cache.setMany({});
      expect(await cache.getMany(["a", "b", "c", "d"])).to.deep.equal([1, 2, 3, 4]);
    });

    it("has tells before and after set and delete (K012, L08)", async () => {
      expect(await cache.has("key")).to.equal(false);
      await cache.set("key", 1);
      expect(await cache.has("key")).to.equal(true);
      await cache.delete("key");
      expect(await cache.has("key")).to.equal(false);
    });

    it("clear empties this cache's namespace (L07)", async () => {
      await cache.setMany({ a: 1, b: 2 });
      await cache.clear();
      expect(await cache.getMany(["a", "b"])).to.deep.equal([undefined, undefined]);
      await cache.set("a", 3);
      expect(await cache.get("a")).to.equal(3);
    });

    it("values are nobody else's: changing what was given or got changes nothing stored", async () => {
      const given = { list: [1] };
      await cache.set("key", given);
      given.list.push(2);
      (await cache.get<typeof given>("key"))!.list.push(3);
      expect(await cache.get("key")).to.deep.equal({ list: [1] });
    });

    it("any text is a key, and no two texts are one", async () => {
      const keys = [
        "a",
        "A",
        "a:",
        "~",
        "~1:x",
        " ",
        "\0",
        "é",
        "e\u0301",
        "__proto__",
        "a".repeat(5000),
        "%s",
        "view//a",
        "\ud800",
      ];
      for (const [index, key] of keys.entries()) await cache.set(key, index);
      expect(await cache.getMany(keys)).to.deep.equal([...keys.keys()]);
    });

    it("any two different keys hold their own values", async () => {
      await assert(
        asyncProperty(
          uniqueArray(string({ minLength: 1, unit: "binary" }), {
            minLength: 2,
            maxLength: 5,
          }),
          async (keys) => {
            for (const [index, key] of keys.entries()) await cache.set(key, index);
            expect(await cache.getMany(keys)).to.deep.equal([...keys.keys()]);
          },
        ),
        { numRuns: 50 },
      );
    });

    it("they are the wrappers' own keys and entries", async () => {
      const count = cache.cached({ keyPrefix: "count" }, counting());
      await runInRequestContext("/", async () => {
        await count();
        expect(await cache.get("count")).to.equal(1);
        await cache.set("count", "set");
        expect(await count()).to.equal("set");
        await cache.delete("count");
        expect(await count()).to.equal(2);
        await cache.clear();
        expect(await count()).to.equal(3);
      });
    });

    it("set during a computation wins over it", async () => {
      const gate = deferred();
      const slow = cache.cached({ keyPrefix: "slow" }, async () => {
        await gate.promise;
        return "computed";
      });
      const call = runInRequestContext("/", () => slow());
      await settled();
      await cache.set("slow", "set");
      gate.resolve();
      expect(await call).to.equal("computed");
      await cache.idle();
      expect(await cache.get("slow")).to.equal("set");
      expect(await runInRequestContext("/", () => slow())).to.equal("set");
    });

    const ends: readonly (readonly [string, (cache: Cache) => Promise<unknown>])[] = [
      ["delete", (used) => used.delete("slow")],
      ["deleteMany", (used) => used.deleteMany(["slow"])],
      ["clear", (used) => used.clear()],
      ["invalidateTags", (used) => used.invalidateTags("tag")],
    ];
    for (const [name, end] of ends) {
      it(`${name} during a computation keeps its result out`, async () => {
        const gates = [deferred(), deferred()];
        let runs = 0;
        const slow = cache.cached({ keyPrefix: "slow", tags: "tag" }, async () => {
          const run = runs;
          runs += 1;
          await gates[run]!.promise;
          return run;
        });
        const call = (): Promise<number> => runInRequestContext("/", () => slow());
        const older = call();
        await settled();
        await end(cache);
        const newer = call();
        await settled();
        gates[0]!.resolve();
        expect(await older).to.equal(0);
        await cache.idle();
        expect(await cache.has("slow")).to.equal(false);
        gates[1]!.resolve();
        expect(await newer).to.equal(1);
        expect(await call()).to.equal(1);
        expect(runs).to.equal(2);
      });
    }

    it("fetch computes once a key and keeps the value, without a request", async () => {
      const count = counting();
      const ask = (): Promise<number> => cache.fetch("key", { timeout: 60 }, count);
      expect(await Promise.all([ask(), ask()])).to.deep.equal([1, 1]);
      expect(await ask()).to.equal(1);
      expect(await cache.get("key")).to.equal(1);
      await cache.delete("key");
      expect(await ask()).to.equal(2);
    });
  });
}
