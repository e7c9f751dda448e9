import { expect } from "chai";
import { Cache, NotCarriableError, OptionError, runInRequestContext } from "../src/index.js";
import { stopClock } from "./support/clock.js";
import { counting, failureOf } from "./support/computation.js";

describe("timeouts of values by key", () => {
  const clock = stopClock();

  it("are the cache's by default, which may be never (K011, L10)", async () => {
    const [usual, endless] = [new Cache(), new Cache({ timeout: 0 })];
    await usual.set("key", 1);
    await endless.set("key", 1);
    clock.jump(299);
    expect([await usual.has("key"), await endless.has("key")]).to.deep.equal([true, true]);
    clock.jump(1);
    expect([await usual.has("key"), await endless.has("key")]).to.deep.equal([false, true]);
    clock.jump(10 * 365 * 86_400);
    expect(await endless.has("key")).to.equal(true);
  });

  it("of 0 never end, others at their moment, and has agrees with get (K011, K012, L06, L14)", async () => {
    const cache = new Cache();
    await cache.set("never", 1, 0);
    await cache.set("second", 1, 1);
    await cache.setMany({ text: 1 }, "500ms");
    await cache.add("added", 1, 2);
    clock.jump(0.5);
    expect(await cache.getMany(["never", "second", "text", "added"])).to.deep.equal([
      1,
      1,
      undefined,
      1,
    ]);
    clock.jump(0.5);
    expect(await cache.getMany(["never", "second", "text", "added"])).to.deep.equal([
      1,
      undefined,
      undefined,
      1,
    ]);
    clock.jump(1);
    expect([
      await cache.has("never"),
      await cache.has("second"),
      await cache.has("added"),
    ]).to.deep.equal([true, false, false]);
  });

  it("that are over let add store again (L13)", async () => {
    const cache = new Cache();
    await cache.set("key", "old", 1);
    clock.jump(1);
    expect(await cache.add("key", "new")).to.equal(true);
    expect(await cache.get("key")).to.equal("new");
  });

  it("do not serve past their time what only a wrapper may serve stale", async () => {
    const cache = new Cache();
    const count = cache.cached(
      { keyPrefix: "count", timeout: 1, staleWhileRevalidate: 100 },
      counting(),
    );
    await runInRequestContext("/", () => count());
    clock.jump(2);
    expect([await cache.get("count"), await cache.has("count")]).to.deep.equal([undefined, false]);
    expect(await cache.add("count", "added")).to.equal(true);
    expect(await runInRequestContext("/", () => count())).to.equal("added");
  });

  for (const timeout of [-1, Number.NaN, Infinity, "soon", "5", null, true]) {
    it(`refuse ${String(timeout)}`, async () => {
      const cache = new Cache();
      for (const store of [
        cache.set("key", 1, timeout as never),
        cache.add("key", 1, timeout as never),
        cache.setMany({ key: 1 }, timeout as never),
      ]) {
        expect(await failureOf(store)).to.be.instanceOf(OptionError);
      }
      expect(await cache.has("key")).to.equal(false);
    });
  }
});

describe("values by key refuse", () => {
  const cache = new Cache();

  for (const key of ["", undefined, null, 7, true, Symbol("key")]) {
    it(`${typeof key === "string" ? "an empty text" : String(key)} for a key`, async () => {
      const wrong = key as never;
      const calls: readonly (() => Promise<unknown>)[] = [
        () => cache.get(wrong),
        () => cache.has(wrong),
        () => cache.set(wrong, 1),
        () => cache.add(wrong, 1),
        () => cache.delete(wrong),
        () => cache.getMany([wrong]),
        () => cache.getDict(["a", wrong]),
        () => cache.deleteMany([wrong]),
        () => cache.setMany([[wrong, 1]]),
        () => cache.fetch(wrong, {}, () => 1),
      ];
      for (const call of calls) {
        expect(await failureOf(call()))
          .to.be.instanceOf(OptionError)
          .with.property("message")
          .that.matches(/^A key must be a non-empty text; got /);
      }
    });
  }

  it("keys that are no list, and values that are no pairs", async () => {
    expect(await failureOf(cache.getMany("a" as never))).to.have.property(
      "message",
      'getMany() takes a list of keys; got "a".',
    );
    expect(await failureOf(cache.deleteMany(undefined as never))).to.have.property(
      "message",
      "deleteMany() takes a list of keys; got undefined.",
    );
    for (const wrong of [undefined, null, 7, "ab", [1], ["ab"]]) {
      expect(await failureOf(cache.setMany(wrong as never))).to.be.instanceOf(OptionError);
    }
  });

  it("a value that would not come back equal", async () => {
    const error = await failureOf(cache.set("key", { run: () => 1 }));
    expect(error).to.be.instanceOf(NotCarriableError).with.property("path", "value.run");
    expect(await failureOf(cache.add("key", Symbol("s")))).to.be.instanceOf(NotCarriableError);
    expect(await cache.has("key")).to.equal(false);
  });

  it("all values of setMany when one is wrong: nothing is stored", async () => {
    await failureOf(cache.setMany({ good: 1, bad: () => 1 }));
    expect(await cache.has("good")).to.equal(false);
  });

  it("wrong options and a missing function for fetch", async () => {
    expect(await failureOf(cache.fetch("key", { timeuot: 1 } as never, () => 1)))
      .to.have.property("message")
      .that.contains("Did you mean timeout?");
    expect(await failureOf(cache.fetch("key", { timeout: -1 }, () => 1))).to.be.instanceOf(
      OptionError,
    );
    expect(await failureOf(cache.fetch("key", {}, 7 as never))).to.be.instanceOf(OptionError);
  });
});

describe("the bounds of the memory store", () => {
  it("hold exactly, and tell what had to go (K014, L11)", async () => {
    const cache = new Cache({ memory: { entries: 2 } });
    const evicted: (string | undefined)[] = [];
    cache.on("evict", ({ key }) => evicted.push(key));
    for (const key of ["a", "b", "c", "d"]) await cache.set(key, key);
    expect(await cache.getMany(["a", "b", "c", "d"])).to.deep.equal([
      undefined,
      undefined,
      "c",
      "d",
    ]);
    expect(evicted).to.deep.equal(["a", "b"]);
  });

  it("push out the least recently used, whatever its timeout (O03)", async () => {
    const cache = new Cache({ memory: { entries: 2 } });
    await cache.set("endless", 1, 0);
    await cache.set("short", 1, 5);
    await cache.get("endless");
    await cache.set("new", 1, 5);
    expect(await cache.getMany(["endless", "short", "new"])).to.deep.equal([1, undefined, 1]);
  });

  it("leave room for the versions, however few entries there may be", async () => {
    const cache = new Cache({ memory: { entries: 1 } });
    const one = cache.memoize({ name: "one", tags: ["a", "b", "c"] }, counting());
    expect([await one(), await one(), await one()]).to.deep.equal([1, 1, 1]);
  });
});
