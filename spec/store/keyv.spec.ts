// What a store over Keyv asks its back-end, and what it believes of the answers.
import { expect } from "chai";
import type { KeyValue } from "../../src/store/backend.js";
import { writeEntry, writeVersion } from "../../src/store/envelope.js";
import { givenSource } from "../../src/store/source.js";
import { stopClock } from "../support/clock.js";
import { ABSENT, entryOf, valuesOf, versionOf } from "../support/entries.js";
import { FailingKeyv } from "../support/failing-keyv.js";
import { failingStore, type FailingStore } from "../support/failing-store.js";

const entryAt = (key: string): string => `~1:n:e:${key}`;
const versionAt = (tag: string): string => `~1:n:t:${tag}`;

describe("a store over Keyv", () => {
  const clock = stopClock();
  let { keyv, store, reported }: FailingStore = failingStore();
  beforeEach(() => {
    ({ keyv, store, reported } = failingStore());
  });

  async function read(...keys: string[]): Promise<unknown[]> {
    return valuesOf((await store.read(keys, [])).entries);
  }

  describe("reading", () => {
    it("asks once for all that is read in one tick, entries and versions together", async () => {
      const later = Promise.resolve()
        .then(() => undefined)
        .then(() => store.read(["c", "a"], ["t"]));
      await Promise.all([store.read(["a", "b"], ["t"]), store.read(["b"], ["u"]), later]);
      const asked = [entryAt("a"), entryAt("b"), versionAt("t"), versionAt("u"), entryAt("c")];
      expect(keyv.calls).to.deep.equal([{ method: "getMany", keys: asked }]);
    });

    it("asks anew in the next tick", async () => {
      await read("a");
      await read("a");
      expect(keyv.callsOf("getMany")).to.have.lengthOf(2);
    });

    it("asks for no more than 256 keys at once", async () => {
      await read(...Array.from({ length: 600 }, (_, index) => `${index}`));
      expect(keyv.callsOf("getMany").map(({ length }) => length)).to.deep.equal([256, 256, 88]);
    });

    it("gives everybody who asked in one tick a value of his own", async () => {
      await store.write([entryOf("k", { list: [] })]);
      const [one, other] = await Promise.all([store.read(["k"], []), store.read(["k"], [])]);
      (one.entries[0]!.held.give() as { list: number[] }).list.push(1);
      expect(other.entries[0]?.held.give()).to.deep.equal({ list: [] });
    });

    it("takes what is foreign, cut short or of another format for absent, and says nothing", async () => {
      const whole = writeEntry(entryOf("k", "value"));
      const garbage: unknown[] = [
        "",
        "garbage",
        "{}",
        "1e",
        '1e["k"]',
        whole.slice(0, -1),
        `0${whole.slice(1)}`,
        null,
        7,
        {},
        [],
        Buffer.from(whole),
        writeEntry(entryOf("K", "other")),
        writeVersion(versionOf("k", "mark")),
      ];
      for (const value of garbage) {
        keyv.values.set(entryAt("k"), value);
        keyv.values.set(versionAt("k"), value === garbage.at(-1) ? whole : value);
        const { entries, versions, failed } = await store.read(["k"], ["k"]);
        expect([entries, versions, failed]).to.deep.equal([[undefined], [undefined], false]);
      }
      keyv.values.set(entryAt("k"), whole);
      expect(await read("k")).to.deep.equal(["value"]);
      expect(reported).to.deep.equal([]);
    });

    it("reads around a value that its Keyv cannot read", async () => {
      await store.write([entryOf("good", 1)]);
      const broken = (): never => JSON.parse("{") as never;
      const { get } = keyv;
      keyv.getMany = broken;
      keyv.get = (key) => (key === entryAt("bad") ? broken() : get.call(keyv, key));
      expect(await read("good", "bad")).to.deep.equal([1, ABSENT]);
      expect(reported).to.deep.equal([]);
    });

    it("asks one by one where a Keyv would swallow the errors of its store", async () => {
      await store.write([entryOf("k", 1)]);
      Object.assign(keyv, { store: { get: () => undefined } });
      expect(await read("k", "other")).to.deep.equal([1, ABSENT]);
      expect(keyv.callsOf("get")).to.have.lengthOf(2);
    });
  });

  describe("writing", () => {
    it("sends what is written in one tick at once, the last write of a key alone", async () => {
      await Promise.all([
        store.write([entryOf("a", 1), entryOf("b", 1)]),
        store.write([entryOf("a", 2)]),
        store.outdate([versionOf("t", "one"), versionOf("t", "two")]),
      ]);
      const sent = [entryAt("a"), entryAt("b"), versionAt("t")];
      expect(keyv.calls).to.deep.equal([{ method: "setMany", keys: sent }]);
      expect(await read("a", "b")).to.deep.equal([2, 1]);
    });

    it("gathers what is written while a write is under way, and sends it after that", async () => {
      keyv.mode = "hangs";
      const first = store.write([entryOf("a", 1)]);
      await clock.pass(0.1);
      const second = store.write([entryOf("a", 2)]);
      await clock.pass(0.1);
      expect(keyv.callsOf("setMany")).to.deep.equal([[entryAt("a")]]);
      const third = store.remove(["b"]);
      keyv.mode = "works";
      await Promise.all([first, second, third]);
      expect(keyv.callsOf("setMany")).to.deep.equal([[entryAt("a")], [entryAt("a")]]);
      expect(keyv.callsOf("deleteMany")).to.deep.equal([[entryAt("b")]]);
      expect(await read("a")).to.deep.equal([2]);
    });

    it("gives lifetimes in whole milliseconds, from one up, and none for ever", async () => {
      const now = Date.now();
      await store.write([
        entryOf("whole", 1, { freshUntil: now + 5000 }),
        entryOf("fraction", 1, { freshUntil: now + 1500.2 }),
        entryOf("short", 1, { freshUntil: now + 0.01 }),
        entryOf("ever", 1, { freshUntil: Infinity }),
        entryOf("stale", 1, { freshUntil: now, staleUntil: now + 7, errorUntil: 0 }),
      ]);
      const given = ["whole", "fraction", "short", "ever", "stale"].map((key) =>
        keyv.ttls.get(entryAt(key)),
      );
      expect(given).to.deep.equal([5000, 1501, 1, undefined, 7]);
    });

    it("gives whole seconds below thirty days to what speaks to Memcached", async () => {
      const memcache = Object.assign(new FailingKeyv(), { client: { incrSeq: () => undefined } });
      ({ store } = failingStore({ source: givenSource(memcache) }));
      expect(store.tier).to.equal("memcache");
      const now = Date.now();
      await store.write([
        entryOf("short", 1, { freshUntil: now + 1 }),
        entryOf("odd", 1, { freshUntil: now + 1001 }),
        entryOf("long", 1, { freshUntil: now + 90 * 86_400_000 }),
      ]);
      const given = ["short", "odd", "long"].map((key) => memcache.ttls.get(entryAt(key)));
      expect(given).to.deep.equal([1000, 2000, 2_591_999_000]);
    });

    it("shows an entry at once in this process, until the store has it", async () => {
      keyv.mode = "hangs";
      const writing = store.write([entryOf("k", { a: 1 }), entryOf("gone", 1)]);
      void store.remove(["gone"]);
      expect(await read("k", "gone")).to.deep.equal([{ a: 1 }, ABSENT]);
      await clock.pass(0.1);
      expect(await read("k", "gone")).to.deep.equal([{ a: 1 }, ABSENT]);
      expect(keyv.callsOf("getMany")).to.deep.equal([]);
      keyv.mode = "works";
      await writing;
      keyv.values.clear();
      expect(await read("k")).to.deep.equal([ABSENT]);
    });

    it("makes readers of a version wait while it is being replaced, and read what then holds", async () => {
      await store.establish([versionOf("t", "old")]);
      keyv.mode = "hangs";
      const outdating = store.outdate([versionOf("t", "new")]);
      const reading = store.read([], ["t"]);
      await clock.pass(0.1);
      keyv.values.set(versionAt("t"), writeVersion(versionOf("t", "another process's")));
      keyv.mode = "works";
      await outdating;
      expect((await reading).versions[0]?.mark).to.equal("new");
      keyv.forget();
      await store.read([], ["t"]);
      expect(keyv.calls).to.have.lengthOf(1);
    });

    it("reads established versions back from the store", async () => {
      const { setMany } = keyv;
      keyv.setMany = async (entries) => {
        await setMany.call(keyv, entries);
        keyv.values.set(versionAt("t"), writeVersion(versionOf("t", "faster")));
      };
      const made = await store.establish([versionOf("t", "mine")]);
      expect(made[0]?.mark).to.equal("faster");
    });

    it("looks for what it removes before it removes it", async () => {
      await store.write([entryOf("a", 1)]);
      keyv.forget();
      expect(await store.remove(["a", "b"])).to.deep.equal([true, false]);
      expect(keyv.calls.map(({ method }) => method)).to.deep.equal(["getMany", "deleteMany"]);
    });

    it("reports a value that cannot be carried, and stores the others", async () => {
      const bad = entryOf("bad", 1);
      const unfit = { ...bad, held: { bytes: 1, shared: true, give: () => Symbol("unfit") } };
      await store.write([entryOf("bad", "older")]);
      await store.write([unfit, entryOf("good", 1)]);
      expect(await read("bad", "good")).to.deep.equal([ABSENT, 1]);
      expect(reported.map(({ key }) => key)).to.deep.equal(["bad"]);
      expect(reported[0]?.error).to.have.property("code", "ERR_NOT_CARRIABLE");
    });

    it("adds over what is unreadable", async () => {
      keyv.values.set(entryAt("k"), "garbage");
      expect(await store.add(entryOf("k", 1))).to.equal(true);
      expect(await read("k")).to.deep.equal([1]);
    });
  });

  describe("an adapter that takes one value at a time", () => {
    it("fails when it fails for each", async () => {
      const source = withoutMany(keyv, () => {
        // oxlint-disable-next-line typescript/only-throw-error -- somebody does it
        throw "full";
      });
      ({ store, reported } = failingStore({ source: givenSource(source) }));
      await store.write([entryOf("a", 1), entryOf("b", 1)]);
      keyv.mode = "throws";
      expect((await store.read(["a"], [])).failed).to.equal(true);
      expect(reported.map(({ error }) => error.message)).to.deep.equal([
        "The keyv store did not take what was written: full.",
        "The keyv store did not answer: the back-end is down.",
      ]);
    });

    it("stores what it takes, reports what it refuses, and serves no older value of that", async () => {
      await store.write([entryOf("small", 1), entryOf("large", "old")]);
      const { set } = keyv;
      const source = givenSource(
        withoutMany(keyv, (key, value) => {
          // oxlint-disable-next-line typescript/only-throw-error -- somebody does it
          if (value.length > 5000) throw "too large, and no error";
          if (value.length > 500) throw new Error("too large");
          return set.call(keyv, key, value);
        }),
      );
      ({ store, reported } = failingStore({ source }));
      await store.write([entryOf("small", 2), entryOf("large", "x".repeat(1000))]);
      await store.write([entryOf("small", 2), entryOf("large", "x".repeat(10_000))]);
      expect(reported.map(({ key }) => key)).to.deep.equal(["large", "large"]);
      expect(reported[0]?.error.message).to.contain("refused a value: too large");
      expect(reported[1]?.error.message).to.contain("too large, and no error");
      expect(await read("small", "large")).to.deep.equal([2, ABSENT]);
    });
  });

  it("is idle when nothing it reads or writes is under way", async () => {
    keyv.mode = "hangs";
    void store.write([entryOf("a", 1)]);
    await clock.pass(0.1);
    void store.write([entryOf("b", 1)]);
    void store.read(["c"], []);
    let idle = false;
    const waiting = store.idle().then(() => {
      idle = true;
    });
    await clock.pass(0.1);
    expect(idle).to.equal(false);
    keyv.mode = "works";
    await waiting;
    expect(keyv.callsOf("setMany")).to.deep.equal([[entryAt("a")], [entryAt("b")]]);
  });

  describe("closing", () => {
    it("sends what is on its way, asks nothing more, and leaves the Keyv open", async () => {
      void store.write([entryOf("k", 1)]);
      await store.close();
      expect(keyv.callsOf("setMany")).to.deep.equal([[entryAt("k")]]);
      keyv.forget();
      expect((await store.read(["k"], [])).failed).to.equal(true);
      expect(await store.add(entryOf("k", 2))).to.equal(false);
      expect(keyv.calls).to.deep.equal([]);
      expect(reported).to.deep.equal([]);
    });

    it("does not wait for a store that hangs", async () => {
      keyv.mode = "hangs";
      void store.write([entryOf("k", 1)]);
      const closing = store.close();
      await clock.pass(1);
      await closing;
    });
  });
});

function withoutMany(keyv: FailingKeyv, set: (key: string, value: string) => unknown): KeyValue {
  return {
    set: async (key: string, value: string) => set(key, value),
    get: (key: string) => keyv.get(key),
    delete: (key: string) => keyv.delete(key),
  };
}
