// What memoizing costs in round trips, counted at the Keyv.
import { expect } from "chai";
import { Cache, type CacheOptions } from "../src/index.js";
import { RecordingKeyv } from "./support/recording-keyv.js";

function setUp(options: CacheOptions = {}) {
  const keyv = new RecordingKeyv();
  const cache = new Cache({ store: keyv, ...options });
  const f = cache.memoize({ name: "f" }, async (id: number) => ({ id }));
  return { keyv, cache, f };
}

/** Waits for the writes that callers do not wait for. */
async function taken({ cache, keyv }: { cache: Cache; keyv: RecordingKeyv }) {
  await cache.idle();
  return keyv.take();
}

/** A function that has been called before, so that its versions exist. */
async function setUpUsed() {
  const made = setUp();
  await made.f(0);
  await taken(made);
  return made;
}

describe("counted at the Keyv,", () => {
  it("the first call of all takes two reads and two writes", async () => {
    const made = setUp();
    await made.f(1);
    expect(await taken(made)).to.deep.equal([
      ["getMany", 3],
      ["setMany", 2],
      ["getMany", 2],
      ["setMany", 1],
    ]);
  });

  it("a miss takes one getMany and one setMany (K159)", async () => {
    const made = await setUpUsed();
    await made.f(1);
    expect(await taken(made)).to.deep.equal([
      ["getMany", 3],
      ["setMany", 1],
    ]);
  });

  it("a hit takes one getMany (K159)", async () => {
    const made = await setUpUsed();
    await made.f(0);
    expect(await taken(made)).to.deep.equal([["getMany", 3]]);
  });

  it("a hit of a method with static tags takes one getMany", async () => {
    const keyv = new RecordingKeyv();
    const cache = new Cache({ store: keyv });
    class Service {
      @cache.memoize({ tags: ["a", "b"] })
      async load(id: number): Promise<number> {
        return id;
      }
    }
    const service = new Service();
    await service.load(1);
    await taken({ cache, keyv });
    await service.load(1);
    expect(await taken({ cache, keyv })).to.deep.equal([["getMany", 6]]);
  });

  it("a hit whose tags only the result names takes one getMany more", async () => {
    const keyv = new RecordingKeyv();
    const cache = new Cache({ store: keyv });
    const f = cache.memoize(
      { name: "f", tags: (id) => [`item:${id}`, "items"] },
      async (id: number) => id,
    );
    await f(1);
    await taken({ cache, keyv });
    await f(1);
    expect(await taken({ cache, keyv })).to.deep.equal([
      ["getMany", 3],
      ["getMany", 2],
    ]);
  });

  it("fifty hits in one tick take one getMany, and fifty misses one setMany besides", async () => {
    const made = await setUpUsed();
    const ids = Array.from({ length: 50 }, (_, id) => id + 1);
    await Promise.all(ids.map((id) => made.f(id)));
    expect(await taken(made)).to.deep.equal([
      ["getMany", 52],
      ["setMany", 50],
    ]);
    await Promise.all(ids.map((id) => made.f(id)));
    expect(await taken(made)).to.deep.equal([["getMany", 52]]);
  });

  it("fifty calls of one key take one getMany of three keys", async () => {
    const made = await setUpUsed();
    await Promise.all(Array.from({ length: 50 }, () => made.f(0)));
    expect(await taken(made)).to.deep.equal([["getMany", 3]]);
  });

  it("memoizeMany() takes one read, one call and one write, however many ids", async () => {
    const keyv = new RecordingKeyv();
    const cache = new Cache({ store: keyv });
    let calls = 0;
    const many = cache.memoizeMany({ name: "many" }, async (ids: number[]) => {
      calls += 1;
      return new Map(ids.map((id) => [id, id]));
    });
    await many([0]);
    await taken({ cache, keyv });
    const ids = Array.from({ length: 100 }, (_, id) => id);
    await many(ids);
    expect(await taken({ cache, keyv })).to.deep.equal([
      ["getMany", 102],
      ["setMany", 99],
    ]);
    await many(ids);
    expect(await taken({ cache, keyv })).to.deep.equal([["getMany", 102]]);
    expect(calls).to.equal(2);
    await many([]);
    expect(await taken({ cache, keyv })).to.deep.equal([]);
    await many.invalidate(...ids);
    const deleted = (await taken({ cache, keyv })).filter(([method]) => method !== "getMany");
    expect(deleted).to.deep.equal([["deleteMany", 100]]);
  });

  it("forgetting a hundred thousand results takes one write", async function () {
    this.timeout(60_000);
    const keyv = new RecordingKeyv();
    const cache = new Cache({ store: keyv });
    const many = cache.memoizeMany({ name: "many" }, (ids: number[]) => {
      return new Map(ids.map((id) => [id, id]));
    });
    const ids = Array.from({ length: 100_000 }, (_, id) => id);
    while (ids.length > 0) await many(ids.splice(0, 5000));
    await taken({ cache, keyv });
    expect(keyv.values.size).to.be.above(100_000);
    await cache.deleteMemoized(many);
    expect(await taken({ cache, keyv })).to.deep.equal([["setMany", 1]]);
    await many([77_777]);
    expect(await taken({ cache, keyv })).to.deep.equal([
      ["getMany", 3],
      ["setMany", 1],
    ]);
  });

  it("every way of forgetting takes one write (K160) (K161) (K162)", async () => {
    const made = await setUpUsed();
    const { cache, f } = made;
    const ways: readonly (readonly [string, () => Promise<unknown>])[] = [
      ["setMany", () => cache.deleteMemoized(f)],
      ["setMany", () => f.deleteMemoized()],
      ["setMany", () => cache.invalidateTags("a", "b", "c")],
      ["setMany", () => cache.clear()],
      ["deleteMany", () => cache.deleteMemoizedVerhash(f)],
      ["deleteMany", () => cache.deleteMemoized(f, 0)],
      ["deleteMany", () => f.invalidate(0)],
    ];
    for (const [method, forget] of ways) {
      await f(0);
      await taken(made);
      await forget();
      const written = (await taken(made)).filter(([name]) => name !== "getMany" && name !== "get");
      expect(written.map(([name]) => name)).to.deep.equal([method]);
    }
  });

  it("a refresh takes one read, of the versions alone, and one write", async () => {
    const made = await setUpUsed();
    await made.f.refresh(0);
    expect(await taken(made)).to.deep.equal([
      ["getMany", 2],
      ["setMany", 1],
    ]);
  });

  it("what is off or bypassed takes nothing", async () => {
    const keyv = new RecordingKeyv();
    const off = new Cache({ store: keyv, enabled: false });
    await off.memoize({ name: "f" }, async () => 1)();
    const bypassed = new Cache({ store: keyv });
    await bypassed.memoize({ name: "f", unless: () => true }, async () => 1)();
    expect(keyv.take()).to.deep.equal([]);
  });
});
