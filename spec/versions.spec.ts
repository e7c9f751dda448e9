// Versions: the marks in entries that outdate them, whatever their number, in one write.
import { expect } from "chai";
import { Cache } from "../src/index.js";
import { identify } from "../src/key/identity.js";
import { MemoryStore } from "../src/store/memory.js";
import { functionTag, instanceTag, ROOT, userTag, Versions } from "../src/versions.js";
import { CacheOver } from "./support/cache-over.js";
import { stopClock } from "./support/clock.js";
import { deferred, settled } from "./support/computation.js";
import { RecordingStore } from "./support/recording-store.js";

const DAY = 86_400;

class Adder {
  amount = 1;
}

function setUp() {
  const store = new RecordingStore();
  const cache = new CacheOver(store);
  let runs = 0;
  const f = cache.memoize({ name: "f", tags: ["tag"] }, async (_id?: unknown) => (runs += 1));
  return { store, cache, f };
}

describe("versions", () => {
  const clock = stopClock();

  describe("and the store:", () => {
    it("the first call of all makes them before it computes, and stores one entry", async () => {
      const { store, f } = setUp();
      await f(1);
      expect(store.take()).to.deep.equal([
        ["read", "f(1)", "r:", "f:f", "t:tag"],
        ["establish", "r:", "f:f", "t:tag"],
        ["write", "f(1)"],
      ]);
    });

    it("a later miss takes one read and one write", async () => {
      const { store, f } = setUp();
      await f(1);
      store.take();
      await f(2);
      expect(store.take()).to.deep.equal([
        ["read", "f(2)", "r:", "f:f", "t:tag"],
        ["write", "f(2)"],
      ]);
    });

    it("a hit takes one read, or none in this process", async () => {
      const { store, f } = setUp();
      await f([1]);
      store.take();
      await f([1]);
      expect(store.take()).to.deep.equal([["read", "f([1])", "r:", "f:f", "t:tag"]]);
      await f(1);
      await f(1);
      store.take();
      await f(1);
      expect(store.take()).to.deep.equal([]);
    });

    it("forgetting takes one write, whatever the number of entries", async () => {
      const { store, cache, f } = setUp();
      for (let id = 0; id < 1000; id += 1) await f(id);
      store.take();
      await cache.deleteMemoized(f);
      await cache.invalidateTags("tag", "other");
      await cache.deleteMemoizedVerhash(f);
      expect(store.take()).to.deep.equal([
        ["outdate", "f:f"],
        ["outdate", "t:tag", "t:other"],
        ["forget", "f:f"],
      ]);
    });

    it("nothing but an invalidation writes a version again", async () => {
      const { store, cache, f } = setUp();
      await f(1);
      store.take();
      for (let day = 0; day < 89; day += 1) {
        clock.jump(DAY);
        await f(1);
        await f(day);
        await f.refresh(1);
        await f.invalidate(1);
        await cache.set("f(1)", 5);
        await f(1);
      }
      const written = store.take().filter(([name]) => name === "establish" || name === "outdate");
      expect(written).to.deep.equal([]);
    });

    it("a timeout longer than a version's life does not touch those of everything", async () => {
      const { store, cache, f } = setUp();
      await f(1);
      const marks = [store.versionOf("r:"), store.versionOf("f:f")];
      const ever = cache.memoize({ name: "ever", timeout: 0 }, async () => 1);
      await ever();
      await cache.deleteMemoized(ever);
      await ever();
      await cache.clear();
      await ever();
      const [root] = [store.versionOf("r:")];
      await f(1);
      await ever();
      expect(store.versionOf("r:")).to.deep.equal(root);
      expect(store.versionOf("f:f")).to.deep.equal(marks[1]);
      store.take();
      await Promise.all([f(1), ever()]);
      expect(store.take().filter(([name]) => name !== "read")).to.deep.equal([]);
    });
  });

  describe("judge entries:", () => {
    it("a version that is lost costs a miss", async () => {
      for (const tag of ["r:", "f:f", "t:tag"]) {
        const { store, f } = setUp();
        await f(1);
        await f(1);
        store.lose({ tags: [tag] });
        expect(await f(1), tag).to.equal(2);
        expect(await f(1), tag).to.equal(2);
      }
    });

    it("a version that is lost while it is computed costs a miss", async () => {
      const store = new RecordingStore();
      const cache = new CacheOver(store);
      const gate = deferred();
      let runs = 0;
      const f = cache.memoize({ name: "f" }, async () => {
        runs += 1;
        await gate.promise;
        return runs;
      });
      const first = f();
      await settled();
      store.lose({ tags: ["f:f"] });
      gate.resolve();
      expect(await first).to.equal(1);
      expect(await f()).to.equal(2);
    });

    it("an entry written late in a version's life keeps its own time (K086)", async () => {
      const cache = new Cache();
      let runs = 0;
      const f = cache.memoize({ name: "f", timeout: 60 }, async (_id: number) => (runs += 1));
      await f(1);
      clock.jump(59);
      await f(2);
      clock.jump(59);
      expect(await f(2)).to.equal(2);
      clock.jump(1);
      expect(await f(2)).to.equal(3);
    });

    it("a version outlives the newest entry that carries it (K087) (K088)", async () => {
      const { store, cache, f } = setUp();
      await f(1);
      for (let days = 0; days < 400; days += 7) {
        clock.jump(7 * DAY);
        const first = await f(1);
        for (const tag of ["r:", "f:f", "t:tag"]) {
          expect(store.versionOf(tag)!.until, tag).to.be.at.least(Date.now() + 300_000);
        }
        expect(await f(1)).to.equal(first);
      }
      const longest = cache.memoize({ name: "g", timeout: "365d", tags: ["g"] }, async () => 1);
      await longest();
      expect(store.versionOf("t:g")!.until).to.be.at.least(Date.now() + 365 * DAY * 1000);
    });

    it("an entry never outlives the version that it carries", async () => {
      const { store, f } = setUp();
      await f(1);
      const { until } = store.versionOf("t:tag")!;
      clock.jump((until - Date.now()) / 1000 - 301);
      const last = await f(1);
      expect(store.versionOf("t:tag")!.until).to.equal(until);
      clock.jump(299);
      expect(await f(1)).to.equal(last);
      clock.jump(2);
      expect(await f(1)).not.to.equal(last);
    });

    it("nor where its own timeout, known only then, is longer than the version's life", async () => {
      const cache = new Cache();
      let runs = 0;
      const options = { name: "f", tags: ["tag"], timeout: () => "200d" as const };
      const f = cache.memoize(options, async (_id: number) => (runs += 1));
      for (let call = 0; call < 3; call += 1) expect(await f(1)).to.equal(1);
      clock.jump(89 * DAY);
      expect(await f(1)).to.equal(1);
      clock.jump(2 * DAY);
      expect(await f(1)).to.equal(2);
    });

    it("an entry without the tags of the function would outlive it, so that it is none of its results", async () => {
      const cache = new Cache();
      let runs = 0;
      const f = cache.memoize({ name: "f" }, async (_id: number) => (runs += 1));
      await cache.set(await f.makeCacheKey(1), "set");
      expect(await f(1)).to.equal(1);
      expect(await cache.get(await f.makeCacheKey(1))).to.equal(1);
    });

    it("the version of a tag that nobody uses goes away by itself", async () => {
      const { store, f } = setUp();
      await f(1);
      clock.jump(91 * DAY);
      expect(store.versionOf("t:tag")).to.equal(undefined);
    });

    it("after an invalidation the new version lives as long as any other (K089)", async () => {
      const { store, cache, f } = setUp();
      await f(1);
      await cache.deleteMemoized(f);
      await cache.invalidateTags("tag");
      const first = await f(1);
      clock.jump(299);
      expect(await f(1)).to.equal(first);
      for (const tag of ["f:f", "t:tag"]) {
        expect(store.versionOf(tag)!.until).to.be.above(Date.now() + 80 * DAY * 1000);
      }
    });

    it("forgetting all by the version's removal makes a new one at the next call (C10) (K097)", async () => {
      const { store, cache, f } = setUp();
      const first = [await f(1), await f(2)];
      const old = store.versionOf("f:f")!.mark;
      await cache.deleteMemoizedVerhash(f);
      expect(store.versionOf("f:f")).to.equal(undefined);
      expect([await f(1), await f(2)]).not.to.have.members(first);
      expect(store.versionOf("f:f")!.mark).to.be.a("string").and.not.equal(old);
    });

    it("everything is forgotten by clear(), and nothing of another namespace", async () => {
      const store = new Map();
      const [one, two] = ["one", "two"].map((namespace) => new Cache({ store, namespace }));
      let runs = 0;
      const [f, g] = [one!, two!].map((cache) =>
        cache.memoize({ name: "f" }, async () => (runs += 1)),
      );
      await Promise.all([f!(), g!()]);
      await one!.set("key", 1);
      await one!.clear();
      expect(await one!.has("key")).to.equal(false);
      expect(await f!()).to.equal(3);
      expect(await g!()).to.equal(2);
    });
  });

  describe("of instances", () => {
    it("that only this process knows live a day, of others three months", async () => {
      const store = new RecordingStore();
      const versions = new Versions(store, () => 0);
      const local = instanceTag("Adder.add", identify(new Adder()));
      const own = instanceTag("User.load", "<User 7>");
      await versions.outdate([local, own]);
      const days = (tag: string): number => (store.versionOf(tag)!.until - Date.now()) / 1000 / DAY;
      expect(days(local)).to.equal(1);
      expect(days(own)).to.equal(90);
    });
  });

  describe("remember", () => {
    const make = (): Versions =>
      new Versions(new MemoryStore({ entries: 10, bytes: 10_000 }), () => 0);

    it("which tags were invalidated since an epoch, and up to which", () => {
      const versions = make();
      const start = versions.epoch;
      void versions.outdate(["t:a"]);
      const between = versions.epoch;
      void versions.forget(["t:b", "t:c"]);
      expect(versions.invalidatedSince(["t:a"], start)).to.equal(true);
      expect(versions.invalidatedSince(["t:x", "t:c"], start)).to.equal(true);
      expect(versions.invalidatedSince(["t:x"], start)).to.equal(false);
      expect(versions.invalidatedSince([], start)).to.equal(false);
      expect(versions.invalidatedSince(["t:a"], between)).to.equal(false);
      expect(versions.invalidatedSince(["t:b"], between)).to.equal(true);
      expect(versions.invalidatedSince(["t:a"], start, between)).to.equal(true);
      expect(versions.invalidatedSince(["t:b"], start, between)).to.equal(false);
    });

    it("an earlier invalidation also after a later one of the same tag", () => {
      const versions = make();
      const start = versions.epoch;
      void versions.outdate(["t:a"]);
      const between = versions.epoch;
      void versions.outdate(["t:a"]);
      expect(versions.invalidatedSince(["t:a"], start, between)).to.equal(true);
      expect(versions.invalidatedSince(["t:a"], between, between)).to.equal(false);
    });

    it("rather too many than too few, when there are very many", () => {
      const versions = make();
      const start = versions.epoch;
      void versions.outdate(["t:a"]);
      const before = versions.epoch;
      for (let count = 0; count < 25_000; count += 1) void versions.outdate([`t:${count}`]);
      expect(versions.invalidatedSince(["t:a"], start, before)).to.equal(true);
      expect(versions.invalidatedSince(["t:a"], start)).to.equal(true);
      const now = versions.epoch;
      expect(versions.invalidatedSince(["t:a"], now)).to.equal(false);
      void versions.outdate(["t:a"]);
      expect(versions.invalidatedSince(["t:a"], now)).to.equal(true);
      expect(versions.invalidatedSince(["t:b"], now)).to.equal(false);
    });
  });

  it("keep users' tags apart from all internal names", () => {
    const internal = [ROOT, functionTag("f"), instanceTag("f", "<User 7>")];
    const own = identify(new Adder());
    internal.push(instanceTag("f", own));
    for (const tag of internal) expect(userTag(tag)).not.to.equal(tag);
    expect(internal.every((tag) => !tag.startsWith("t:"))).to.equal(true);
  });
});
