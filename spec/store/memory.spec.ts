import { expect } from "chai";
import type { Entry } from "../../src/entry.js";
import { isLocal } from "../../src/store/store.js";
import { MemoryStore } from "../../src/store/memory.js";
import { stopClock } from "../support/clock.js";
import { ABSENT, entryOf, valuesOf, versionOf } from "../support/entries.js";

const KILOBYTE = "x".repeat(1000);

describe("the memory store", () => {
  const clock = stopClock();
  let evicted: string[];
  beforeEach(() => {
    evicted = [];
  });

  function storeOf(entries: number, bytes = 1_000_000): MemoryStore {
    return new MemoryStore({ entries, bytes, onEvict: ({ key }) => evicted.push(key) });
  }

  function present(store: MemoryStore, ...keys: string[]): unknown[] {
    return valuesOf(store.read(keys, []).entries);
  }

  it("is a store in this process, and answers at once", () => {
    const store = storeOf(10);
    expect(isLocal(store)).to.equal(true);
    expect(store.read(["k"], [])).to.deep.equal({
      entries: [undefined],
      versions: [],
      failed: false,
    });
  });

  it("gives the entries themselves", () => {
    const store = storeOf(10);
    const entry = entryOf("k", 1);
    store.write([entry]);
    expect(store.read(["k"], []).entries[0]).to.equal(entry);
  });

  describe("its bounds", () => {
    it("keep so many entries and no more, the recently used ones", () => {
      const store = storeOf(3);
      store.write(["a", "b", "c"].map((key) => entryOf(key, key)));
      present(store, "a");
      store.write([entryOf("d", "d")]);
      expect(present(store, "a", "b", "c", "d")).to.deep.equal(["a", ABSENT, "c", "d"]);
      expect(evicted).to.deep.equal(["b"]);
    });

    it("keep so many bytes and no more", () => {
      const store = storeOf(1000, 10_000);
      for (let index = 0; index < 20; index += 1) store.write([entryOf(`${index}`, KILOBYTE)]);
      const kept = Array.from({ length: 20 }, (_, index) => `${index}`).filter(
        (key) => present(store, key)[0] !== ABSENT,
      );
      expect(kept).to.deep.equal(["12", "13", "14", "15", "16", "17", "18", "19"]);
      expect(evicted).to.have.lengthOf(12);
    });

    it("count the key, too", () => {
      const store = storeOf(1000, 10_000);
      store.write([entryOf("a", 1), entryOf("k".repeat(4850), 1)]);
      expect(present(store, "a")).to.deep.equal([ABSENT]);
    });

    it("keep out a value that is too large, with the older one under its key, and nothing else", () => {
      const store = storeOf(10, 10_000);
      const old = entryOf("large", "old");
      const large = entryOf("large", KILOBYTE.repeat(11));
      store.write([entryOf("other", 1), old]);
      store.write([large]);
      expect(present(store, "large", "other")).to.deep.equal([ABSENT, 1]);
      expect([old.alive, large.alive]).to.deep.equal([false, false]);
      expect(store.add(entryOf("large", KILOBYTE.repeat(11)))).to.equal(false);
      expect(evicted).to.deep.equal([]);
    });

    it("do not push out what never expires before anything else", () => {
      const store = storeOf(2);
      store.write([entryOf("short", 1), entryOf("ever", 2, { freshUntil: Infinity })]);
      store.write([entryOf("new", 3)]);
      expect(present(store, "short", "ever", "new")).to.deep.equal([ABSENT, 2, 3]);
    });

    it("take no memory beforehand that the bytes forbid to use", () => {
      const store = new MemoryStore({ entries: 1_000_000_000, bytes: 10_000 });
      store.write([entryOf("k", 1)]);
      expect(present(store, "k")).to.deep.equal([1]);
    });

    it("hold for versions, of which there may be more: one that is pushed out is missing", () => {
      const store = storeOf(2);
      const tags = Array.from({ length: 20_000 }, (_, index) => `${index}`);
      for (const tag of tags) store.outdate([versionOf(tag, "m")]);
      const marks = store.read([], tags).versions.map((version) => version?.mark);
      expect(marks.at(0)).to.equal(undefined);
      expect(marks.at(-1)).to.equal("m");
    });
  });

  describe("an entry is alive", () => {
    it("while it is in the store", () => {
      const store = storeOf(10);
      const entry = entryOf("k", 1);
      expect(entry.alive).to.equal(false);
      store.write([entry]);
      store.write([entry]);
      expect(entry.alive).to.equal(true);
      expect(present(store, "k")).to.deep.equal([1]);
    });

    const ends: Readonly<Record<string, (store: MemoryStore) => unknown>> = {
      replaced: (store) => store.write([entryOf("k", 2)]),
      "written anew past its last use": (store) =>
        store.write([entryOf("k", 2, { freshUntil: 0 })]),
      removed: (store) => store.remove(["k"]),
      "pushed out": (store) => store.write(["a", "b", "c"].map((key) => entryOf(key, 1))),
      emptied: (store) => store.empty(),
      "found expired": (store) => {
        clock.jump(3601);
        store.read(["k"], []);
      },
    };
    for (const [end, act] of Object.entries(ends)) {
      it(`and no more once it is ${end}`, () => {
        const store = storeOf(3);
        const entry = entryOf("k", 1);
        store.write([entry]);
        act(store);
        expect(entry.alive).to.equal(false);
        expect(evicted).to.deep.equal(end === "pushed out" ? ["k"] : []);
      });
    }
  });

  it("keeps what is touched, and the versions it carries, among the recently used", () => {
    const store = storeOf(2);
    const entry: Entry = entryOf("k", 1, { carried: [{ tag: "t", mark: "m" }] });
    store.outdate([versionOf("t", "m")]);
    store.write([entry, entryOf("other", 2)]);
    store.outdate([versionOf("u", "m")]);
    store.touch(entry);
    store.write([entryOf("new", 3)]);
    store.outdate([versionOf("v", "m")]);
    expect(present(store, "k", "other")).to.deep.equal([1, ABSENT]);
    expect(store.read([], ["t"]).versions[0]?.mark).to.equal("m");
  });

  it("counts invalidations, and nothing else", () => {
    const store = storeOf(10);
    const { epoch } = store;
    store.write([entryOf("k", 1)]);
    store.establish([versionOf("t", "m")]);
    store.read(["k"], ["t"]);
    store.remove(["k"]);
    expect(store.epoch).to.equal(epoch);
    store.outdate([versionOf("t", "n")]);
    store.forget(["t"]);
    store.empty();
    expect(store.epoch).to.equal(epoch + 3);
  });

  it("keeps a version that was made in the meantime and lasts long enough", () => {
    const store = storeOf(10);
    const lasting = Date.now() + 1000;
    store.establish([versionOf("t", "one", lasting), versionOf("ever", "one", Infinity)]);
    const made = store.establish([
      versionOf("t", "two", lasting + 1000),
      versionOf("ever", "two", Infinity),
    ]);
    expect(made.map(({ mark }) => mark)).to.deep.equal(["one", "one"]);
    const [longer] = store.establish([versionOf("t", "three", lasting + 1001)]);
    expect(longer?.mark).to.equal("three");
  });
});
