// What every store promises; each of them passes this suite.
import { install, type Clock } from "@sinonjs/fake-timers";
import { expect } from "chai";
import { randomUUID } from "node:crypto";
import type { Entry, Version } from "../../src/entry.js";
import type { Store } from "../../src/store/store.js";
import { ABSENT, entryOf, valuesOf, versionOf } from "./entries.js";

/** Makes a store for a namespace, on one and the same back-end each time. */
export type CreateStore = (namespace: string) => Store;

const NASTY_KEYS = [
  "view//posts",
  "Foo",
  "foo",
  "a",
  "a ",
  " a",
  "a:b",
  "a::b",
  "%",
  "_",
  "*",
  "?",
  "[a]",
  "\\",
  "'; drop table keyv; --",
  "\u0000",
  "\n\r\t",
  "ü€😀",
  "\ud800",
  "\ud801",
  "{tag}",
  "keyv:keyv",
  "x".repeat(300),
  `${"x".repeat(300)} `,
  "ü".repeat(500),
];

const VALUES: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  -0,
  0,
  "",
  false,
  12n,
  "ü€😀\u0000",
  new Date(0),
  new Map([["a", new Set([1, undefined])]]),
  [1, undefined, { a: [] }],
  Buffer.from([0, 255]),
];

/** Describes a store by the contract of `Store`. */
export function describeStore(title: string, create: CreateStore): void {
  describe(`${title} keeps the contract of a store`, () => {
    let store: Store;
    let stores: Store[];
    let clock: Clock | undefined;

    beforeEach(() => {
      stores = [];
      store = open(randomUUID());
    });

    afterEach(async () => {
      clock?.uninstall();
      clock = undefined;
      await Promise.all(stores.map((opened) => opened.close()));
    });

    function open(namespace: string): Store {
      const opened = create(namespace);
      stores.push(opened);
      return opened;
    }

    /** Moves the wall clock alone: servers and sockets go on as they are. */
    function pass(milliseconds: number): void {
      clock ??= install({ now: Date.now(), toFake: ["Date"] });
      clock.tick(milliseconds);
    }

    async function read(...keys: string[]): Promise<unknown[]> {
      return valuesOf((await store.read(keys, [])).entries);
    }

    async function marks(...tags: string[]): Promise<(string | undefined)[]> {
      return (await store.read([], tags)).versions.map((version) => version?.mark);
    }

    function write(...entries: Entry[]): Promise<void> | void {
      return store.write(entries);
    }

    function establish(...versions: Version[]): ReturnType<Store["establish"]> {
      return store.establish(versions);
    }

    it("gives back what was written, in the order asked", async () => {
      await write(entryOf("a", 1), entryOf("b", 2));
      expect(await read("b", "missing", "a", "b")).to.deep.equal([2, ABSENT, 1, 2]);
    });

    it("reads entries and versions together, and keeps equal names apart", async () => {
      await write(entryOf("same", "entry"));
      await establish(versionOf("same", "mark"));
      const { entries, versions, failed } = await store.read(["same", "other"], ["other", "same"]);
      expect(valuesOf(entries)).to.deep.equal(["entry", ABSENT]);
      expect(versions.map((version) => version?.mark)).to.deep.equal([undefined, "mark"]);
      expect(failed).to.equal(false);
    });

    it("reads nothing at all when nothing is asked", async () => {
      expect(await store.read([], [])).to.deep.equal({ entries: [], versions: [], failed: false });
    });

    it("gives values back equal, undefined and null among them", async () => {
      const entries = VALUES.map((value, index) => entryOf(`${index}`, value));
      await write(...entries);
      expect(await read(...entries.map(({ key }) => key))).to.deep.equal(VALUES);
    });

    it("keeps every fact of an entry", async () => {
      const now = Date.now();
      const facts = {
        storedAt: now - 5,
        freshUntil: now + 60_000,
        staleUntil: now + 120_000,
        errorUntil: Infinity,
        cost: 12.5,
        carried: [
          { tag: "r:", mark: "one" },
          { tag: "t:ü ", mark: "two" },
        ],
        owner: "list#2",
        check: "digest",
      };
      await write(entryOf("k", "v", facts));
      const [entry] = (await store.read(["k"], [])).entries;
      expect(entry).to.include({ key: "k", ...facts, carried: entry?.carried });
      expect(entry?.carried).to.deep.equal(facts.carried);
    });

    it("gives each reader a value of his own", async () => {
      await write(entryOf("k", { list: [1] }));
      const { entries } = await store.read(["k", "k"], []);
      const [first, second] = valuesOf(entries) as { list: number[] }[];
      first!.list.push(2);
      expect(second).to.deep.equal({ list: [1] });
      expect(await read("k")).to.deep.equal([{ list: [1] }]);
    });

    it("lets the later write win", async () => {
      await Promise.all([write(entryOf("k", 1)), write(entryOf("k", 2), entryOf("k", 3))]);
      expect(await read("k")).to.deep.equal([3]);
    });

    it("forgets an entry after its last use, be it fresh, stale or spare", async () => {
      const now = Date.now();
      await write(
        entryOf("fresh", 1, { freshUntil: now + 50_000, staleUntil: 0, errorUntil: 0 }),
        entryOf("stale", 2, { freshUntil: now + 50_000, staleUntil: now + 70_000, errorUntil: 0 }),
        entryOf("spare", 3, { freshUntil: 0, staleUntil: 0, errorUntil: now + 90_000 }),
        entryOf("ever", 4, { freshUntil: Infinity, staleUntil: 0, errorUntil: 0 }),
      );
      pass(49_000);
      expect(await read("fresh", "stale", "spare", "ever")).to.deep.equal([1, 2, 3, 4]);
      pass(2000);
      expect(await read("fresh", "stale", "spare", "ever")).to.deep.equal([ABSENT, 2, 3, 4]);
      pass(20_000);
      expect(await read("fresh", "stale", "spare", "ever")).to.deep.equal([ABSENT, ABSENT, 3, 4]);
      pass(40_000);
      expect(await read("fresh", "spare", "ever")).to.deep.equal([ABSENT, ABSENT, 4]);
    });

    it("removes what is there when an entry past its last use is written", async () => {
      await write(entryOf("k", 1));
      await write(entryOf("k", 2, { freshUntil: Date.now() }));
      expect(await read("k")).to.deep.equal([ABSENT]);
    });

    it("stores entries that live for less than a millisecond or for years", async () => {
      const now = Date.now();
      await write(
        entryOf("years", 1, { freshUntil: now + 5 * 365 * 86_400_000 }),
        entryOf("fraction", 2, { freshUntil: now + 59_999.5 }),
      );
      expect(await read("years", "fraction")).to.deep.equal([1, 2]);
      await write(entryOf("moment", 3, { freshUntil: Date.now() + 0.5 }));
    });

    it("removes entries and tells which were there", async () => {
      await write(
        entryOf("a", undefined),
        entryOf("b", 2),
        entryOf("old", 3, { freshUntil: Date.now() + 900 }),
      );
      pass(1000);
      expect(await store.remove(["a", "missing", "old"])).to.deep.equal([true, false, false]);
      expect(await read("a", "b")).to.deep.equal([ABSENT, 2]);
      expect(await store.remove(["a"])).to.deep.equal([false]);
      expect(await store.remove([])).to.deep.equal([]);
    });

    it("adds an entry only where there is none", async () => {
      expect(await store.add(entryOf("k", 1))).to.equal(true);
      expect(await store.add(entryOf("k", 2))).to.equal(false);
      expect(await read("k")).to.deep.equal([1]);
      await store.remove(["k"]);
      expect(await store.add(entryOf("k", 3))).to.equal(true);
      expect(await read("k")).to.deep.equal([3]);
    });

    it("adds where there is only an entry past its last use", async () => {
      await write(entryOf("k", 1, { freshUntil: Date.now() + 50_000 }));
      pass(60_000);
      expect(await store.add(entryOf("k", 2))).to.equal(true);
      expect(await read("k")).to.deep.equal([2]);
    });

    it("adds in place of what is being removed", async () => {
      await write(entryOf("there", 1));
      const removing = store.remove(["there", "missing"]);
      expect(await store.add(entryOf("missing", 2))).to.equal(true);
      expect(await store.add(entryOf("there", 2))).to.equal(true);
      await removing;
      expect(await read("there", "missing")).to.deep.equal([2, 2]);
    });

    it("lets one of many adders win, who sees what is being written", async () => {
      const added = await Promise.all(
        [1, 2, 3, 4].map(async (value) => store.add(entryOf("k", value))),
      );
      expect(added.filter(Boolean)).to.have.lengthOf(1);
      expect(await read("k")).to.deep.equal([added.indexOf(true) + 1]);
      const writing = write(entryOf("other", 1));
      expect(await store.add(entryOf("other", 2))).to.equal(false);
      await writing;
    });

    it("makes versions exist, and gives those that hold", async () => {
      const made = await establish(versionOf("a", "one"), versionOf("b", "two", Infinity));
      expect(made.map((version) => version?.mark)).to.deep.equal(["one", "two"]);
      expect(made[1]?.until).to.equal(Infinity);
      expect(await marks("b", "a", "c")).to.deep.equal(["two", "one", undefined]);
    });

    it("makes all who establish a version at once agree on one", async () => {
      const made = await Promise.all(
        ["one", "two", "three"].map(async (mark) => establish(versionOf("tag", mark))),
      );
      const agreed = new Set(made.map(([version]) => version?.mark));
      expect(agreed.size).to.equal(1);
      expect(await marks("tag")).to.deep.equal([...agreed]);
    });

    it("replaces a version that would end too early", async () => {
      await establish(versionOf("tag", "one", Date.now() + 1000));
      await establish(versionOf("tag", "two", Infinity));
      expect(await marks("tag")).to.deep.equal(["two"]);
    });

    it("takes a version past its end for none", async () => {
      await establish(versionOf("tag", "one", Date.now() + 50_000));
      pass(60_000);
      expect(await marks("tag")).to.deep.equal([undefined]);
    });

    it("shows no older mark once versions are being replaced", async () => {
      await establish(versionOf("tag", "one"));
      const outdating = store.outdate([versionOf("tag", "two"), versionOf("new", "three")]);
      expect(await marks("tag", "new")).to.deep.equal(["two", "three"]);
      await outdating;
      expect(await marks("tag")).to.deep.equal(["two"]);
    });

    it("forgets versions and tells which were there", async () => {
      await establish(versionOf("tag", "one"), versionOf("other", "two"));
      expect(await store.forget(["tag", "missing"])).to.deep.equal([true, false]);
      expect(await marks("tag", "other")).to.deep.equal([undefined, "two"]);
      expect(await store.forget(["tag"])).to.deep.equal([false]);
    });

    it("takes any text for a key and for a tag, and confuses none with another", async () => {
      await write(...NASTY_KEYS.map((key) => entryOf(key, key)));
      expect(await read(...NASTY_KEYS)).to.deep.equal(NASTY_KEYS);
      await establish(...NASTY_KEYS.map((tag, index) => versionOf(tag, `mark ${index}`)));
      expect(await marks(...NASTY_KEYS)).to.deep.equal(
        NASTY_KEYS.map((_, index) => `mark ${index}`),
      );
      expect(await store.remove(NASTY_KEYS)).to.deep.equal(NASTY_KEYS.map(() => true));
      expect(await read(...NASTY_KEYS)).to.deep.equal(NASTY_KEYS.map(() => ABSENT));
      expect(await store.forget(NASTY_KEYS)).to.deep.equal(NASTY_KEYS.map(() => true));
    });

    it("keeps namespaces apart, whatever their names", async () => {
      const unique = randomUUID();
      const names = ["n", "N", "n:e", "n%", "n*", "n ", `n${"x".repeat(300)}`, "~", "ü"];
      const spaces = names.map((name) => open(`${unique}${name}`));
      await Promise.all(spaces.map(async (space, index) => space.write([entryOf("e:k", index)])));
      const found = await Promise.all(spaces.map(async (space) => space.read(["e:k"], [])));
      expect(found.flatMap(({ entries }) => valuesOf(entries))).to.deep.equal([...names.keys()]);
      await spaces[0]!.remove(["e:k"]);
      const left = await Promise.all(spaces.map(async (space) => space.read(["e:k"], [])));
      expect(left.flatMap(({ entries }) => valuesOf(entries)).slice(1)).to.not.include(ABSENT);
    });

    it("takes many entries and keys at once", async () => {
      const keys = Array.from({ length: 600 }, (_, index) => `key ${index}`);
      await write(...keys.map((key) => entryOf(key, { key })));
      expect(await read(...keys)).to.deep.equal(keys.map((key) => ({ key })));
      const removed = await store.remove([...keys, "missing"]);
      expect(removed).to.deep.equal([...keys.map(() => true), false]);
    });

    it("is idle when all is written, and empties what is on its way", async () => {
      void write(entryOf("k", 1));
      await store.idle();
      expect(await read("k")).to.deep.equal([1]);
      void write(entryOf("late", 1));
      store.empty();
      await store.idle();
      expect(await read("late")).to.deep.equal([ABSENT]);
    });
  });
}
