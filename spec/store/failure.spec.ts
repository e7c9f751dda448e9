// What becomes of callers, and of invalidations, while a store fails and when it is back.
import { expect } from "chai";
import type { Store } from "../../src/store/store.js";
import { StoreError, StoreTimeoutError } from "../../src/errors.js";
import { writeEntry, writeVersion } from "../../src/store/envelope.js";
import { stopClock } from "../support/clock.js";
import { ABSENT, entryOf, valuesOf, versionOf } from "../support/entries.js";
import type { Mode } from "../support/failing-keyv.js";
import { failingStore, type FailingStore } from "../support/failing-store.js";

const entryAt = (key: string): string => `~1:n:e:${key}`;
const versionAt = (tag: string): string => `~1:n:t:${tag}`;

/** Every operation, and what it gives when the store fails. */
const OPERATIONS: Readonly<Record<string, readonly [(store: Store) => unknown, unknown]>> = {
  read: [
    (store) => store.read(["k"], ["t"]),
    { entries: [undefined], versions: [undefined], failed: true },
  ],
  write: [(store) => store.write([entryOf("k", 1)]), undefined],
  add: [(store) => store.add(entryOf("k", 1)), false],
  remove: [(store) => store.remove(["k", "l"]), [false, false]],
  establish: [(store) => store.establish([versionOf("t", "m")]), [undefined]],
  outdate: [(store) => store.outdate([versionOf("t", "m")]), undefined],
  forget: [(store) => store.forget(["t", "u"]), [false, false]],
};

describe("a store that fails", () => {
  const clock = stopClock();
  let { keyv, store, reported }: FailingStore = failingStore();
  beforeEach(() => {
    ({ keyv, store, reported } = failingStore());
  });

  async function read(...keys: string[]): Promise<unknown[]> {
    return valuesOf((await store.read(keys, [])).entries);
  }

  async function mark(tag: string): Promise<string | undefined> {
    return (await store.read([], [tag])).versions[0]?.mark;
  }

  /** Lets the breaker open: three failures in a row. */
  async function failOften(mode: Mode = "throws"): Promise<void> {
    keyv.mode = mode;
    for (let times = 0; times < 3; times += 1) {
      const reading = store.read(["k"], []);
      await clock.pass(mode === "hangs" ? 1 : 0);
      await reading;
    }
  }

  for (const [name, [operate, outcome]] of Object.entries(OPERATIONS)) {
    describe(name, () => {
      for (const mode of ["throws", "swallows"] as const) {
        it(`resolves and is reported when the Keyv ${mode}`, async () => {
          keyv.mode = mode;
          expect(await operate(store)).to.deep.equal(outcome);
          await store.idle();
          expect(reported).to.not.deep.equal([]);
          for (const { error } of reported) {
            expect(error).to.be.instanceOf(StoreError).and.have.property("code", "ERR_STORE");
            expect(error.message).to.contain("the back-end is down");
            expect(error.cause).to.be.instanceOf(Error);
          }
        });
      }

      it("resolves after storeTimeout and is reported when the Keyv hangs", async () => {
        keyv.mode = "hangs";
        let ended = false;
        const operation = Promise.resolve(operate(store)).finally(() => {
          ended = true;
        });
        await clock.pass(0.99);
        expect(ended).to.equal(false);
        await clock.pass(0.01);
        expect(await operation).to.deep.equal(outcome);
        expect(reported[0]?.error).to.be.instanceOf(StoreTimeoutError);
        expect(reported[0]?.error).to.have.property("code", "ERR_STORE_TIMEOUT");
      });

      it("rejects in strict mode, and is not reported", async () => {
        ({ keyv, store, reported } = failingStore({ strict: true }));
        keyv.mode = "throws";
        let failure: unknown;
        await Promise.resolve(operate(store)).catch((error: unknown) => {
          failure = error;
        });
        expect(failure).to.be.instanceOf(StoreError);
        expect(reported).to.deep.equal([]);
      });
    });
  }

  it("takes no longer than storeTimeout for two steps either", async () => {
    const { getMany } = keyv;
    keyv.getMany = (keys) => {
      keyv.mode = "hangs";
      return getMany.call(keyv, keys);
    };
    const { setMany } = keyv;
    keyv.setMany = async (entries) => {
      await new Promise((resolve) => setTimeout(resolve, 700));
      return setMany.call(keyv, entries);
    };
    const establishing = store.establish([versionOf("t", "m")]);
    const waiting = store.read(["k"], ["t"]);
    await clock.pass(1);
    expect(await establishing).to.deep.equal([undefined]);
    expect((await waiting).failed).to.equal(true);
  });

  it("reports one failure once, however many wait for it", async () => {
    keyv.mode = "throws";
    await Promise.all([store.read(["a"], []), store.read(["b"], []), store.read([], ["t"])]);
    expect(reported).to.have.lengthOf(1);
  });

  it("tells of what is thrown that is no error", async () => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- somebody does it
    keyv.getMany = () => Promise.reject("down");
    await store.read(["k"], []);
    expect(reported[0]?.error.message).to.equal("The keyv store did not answer: down.");
  });

  it("ignores an answer that comes too late", async () => {
    await store.write([entryOf("k", "v")]);
    keyv.mode = "hangs";
    const reading = store.read(["k"], []);
    await clock.pass(1);
    expect((await reading).failed).to.equal(true);
    keyv.mode = "works";
    await clock.pass(0);
    expect(await read("k")).to.deep.equal(["v"]);
  });

  it("reports what the back-end complains of while nothing is asked, once until it answers", async () => {
    await store.write([entryOf("k", "v")]);
    keyv.complain(new Error("connection lost"));
    keyv.complain("connection refused");
    expect(reported.map(({ error }) => error.message)).to.deep.equal([
      "The keyv store is in trouble: connection lost",
    ]);
    await read("k");
    keyv.complain("connection lost again");
    expect(reported).to.have.lengthOf(2);
  });

  it("does not end the process by a complaint when it is closed", async () => {
    await read("k");
    await store.close();
    keyv.complain(new Error("connection lost"));
    expect(reported).to.deep.equal([]);
  });

  describe("often", () => {
    it("is left alone, which is reported once", async () => {
      await failOften();
      keyv.forget();
      for (const [operate, outcome] of Object.values(OPERATIONS)) {
        expect(await operate(store)).to.deep.equal(outcome);
      }
      expect(keyv.calls).to.deep.equal([]);
      expect(reported).to.have.lengthOf(3);
      expect(reported[2]?.error.message).to.contain("failure 3 in a row");
      expect(reported[2]?.error.message).to.contain("every 5 s");
    });

    it("costs no time while it is left alone", async () => {
      await failOften("hangs");
      expect((await store.read(["k"], [])).failed).to.equal(true);
    });

    it("is tried by one call after the rest, and trusted when that succeeds", async () => {
      await failOften("hangs");
      await clock.pass(5);
      keyv.forget();
      const trying = store.read(["k"], []);
      await clock.pass(0.5);
      const other = store.read(["other"], []);
      expect((await other).failed).to.equal(true);
      expect(keyv.callsOf("getMany")).to.deep.equal([[entryAt("k")]]);
      keyv.mode = "works";
      expect((await trying).failed).to.equal(false);
      expect((await store.read(["other"], [])).failed).to.equal(false);
    });

    it("is left alone again when that call fails", async () => {
      await failOften();
      await clock.pass(5);
      expect((await store.read(["k"], [])).failed).to.equal(true);
      keyv.mode = "works";
      await clock.pass(4);
      expect((await store.read(["k"], [])).failed).to.equal(true);
      await clock.pass(1);
      expect((await store.read(["k"], [])).failed).to.equal(false);
    });

    it("says nothing of calls that fail with those that were too many", async () => {
      keyv.mode = "hangs";
      const reading: unknown[] = [];
      for (let times = 0; times < 20; times += 1) {
        reading.push(store.read([`${times}`], []));
        await clock.pass(0.001);
      }
      await clock.pass(1);
      await Promise.all(reading);
      expect(reported).to.have.lengthOf(3);
    });
  });

  describe("to take an invalidation", () => {
    beforeEach(async () => {
      await store.establish([versionOf("t", "old")]);
      await store.write([entryOf("k", "old"), entryOf("l", "old")]);
      keyv.forget();
    });

    for (const mode of ["throws", "swallows", "hangs"] as const) {
      it(`gets it again before it is read, when it ${mode}`, async () => {
        keyv.mode = mode;
        const invalidating = Promise.resolve(store.outdate([versionOf("t", "new")]));
        const removing = store.remove(["k"]);
        await clock.pass(1);
        await invalidating;
        await removing;
        keyv.mode = "works";
        keyv.values.set(versionAt("t"), writeVersion(versionOf("t", "old")));
        keyv.values.set(entryAt("k"), writeEntry(entryOf("k", "old")));
        keyv.forget();
        const { entries, versions } = await store.read(["k", "l"], ["t"]);
        expect(valuesOf(entries)).to.deep.equal([ABSENT, "old"]);
        expect(versions).to.deep.equal([undefined]);
        expect(keyv.calls.map(({ method }) => method)).to.deep.equal(["deleteMany", "getMany"]);
        expect(keyv.callsOf("deleteMany")[0]).to.have.members([versionAt("t"), entryAt("k")]);
        keyv.forget();
        await read("k");
        expect(keyv.calls.map(({ method }) => method)).to.deep.equal(["getMany"]);
      });
    }

    it("gets it after what a client replays", async () => {
      keyv.mode = "hangs";
      const replayed = store.establish([versionOf("t", "replayed")]);
      await clock.pass(1);
      expect(await replayed).to.deep.equal([undefined]);
      const outdating = store.outdate([versionOf("t", "new")]);
      await clock.pass(1);
      await outdating;
      keyv.mode = "works";
      await clock.pass(0);
      expect(keyv.values.has(versionAt("t"))).to.equal(true);
      expect(await mark("t")).to.equal(undefined);
      expect(keyv.values.has(versionAt("t"))).to.equal(false);
    });

    it("is not believed as long as it does not take it", async () => {
      await failOften();
      await store.outdate([versionOf("t", "new")]);
      await clock.pass(5);
      keyv.mode = "works";
      keyv.deleteMany = () => Promise.reject(new Error("read only"));
      expect((await store.read(["k"], ["t"])).failed).to.equal(true);
      expect((await store.read(["k"], ["t"])).failed).to.equal(true);
      expect(keyv.callsOf("getMany")).to.have.lengthOf(3);
    });

    it("gets it although nobody reads, once it is back", async () => {
      keyv.mode = "throws";
      await store.outdate([versionOf("t", "new")]);
      await clock.pass(5);
      keyv.mode = "works";
      expect(keyv.values.has(versionAt("t"))).to.equal(true);
      await clock.pass(5);
      expect(keyv.values.has(versionAt("t"))).to.equal(false);
      keyv.forget();
      await clock.pass(60);
      expect(keyv.calls).to.deep.equal([]);
    });

    it("gets it at the latest when the store is closed", async () => {
      keyv.mode = "throws";
      await store.outdate([versionOf("t", "new")]);
      keyv.mode = "works";
      await store.close();
      expect(keyv.values.has(versionAt("t"))).to.equal(false);
    });

    it("takes later invalidations, versions and entries in their order", async () => {
      keyv.mode = "throws";
      await store.outdate([versionOf("t", "new")]);
      keyv.mode = "works";
      await store.outdate([versionOf("t", "newer")]);
      expect(await mark("t")).to.equal("newer");
      expect(keyv.calls.map(({ method }) => method)).to.deep.equal([
        "setMany",
        "deleteMany",
        "setMany",
        "getMany",
      ]);
    });

    it("serves no older entry in place of one that it did not take", async () => {
      keyv.mode = "throws";
      await store.write([entryOf("k", "new")]);
      keyv.mode = "works";
      expect(await read("k")).to.deep.equal([ABSENT]);
    });

    it("removes a version that was replaced in one tick by one that is only to exist", async () => {
      keyv.mode = "throws";
      await Promise.all([
        store.outdate([versionOf("t", "new")]),
        store.establish([versionOf("t", "proposed")]),
      ]);
      keyv.mode = "works";
      expect(await mark("t")).to.equal(undefined);
    });

    it("is not asked about a version that it was only asked to make", async () => {
      keyv.mode = "throws";
      await store.establish([versionOf("other", "proposed")]);
      keyv.mode = "works";
      keyv.forget();
      await mark("other");
      expect(keyv.calls.map(({ method }) => method)).to.deep.equal(["getMany"]);
    });

    it("disbelieves an answer that was on its way when it failed to take it", async () => {
      const { getMany } = keyv;
      let answer = (): void => undefined;
      keyv.getMany = async (keys) => {
        const found = await getMany.call(keyv, keys);
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return found;
      };
      const reading = store.read(["k", "l"], []);
      await clock.pass(0.1);
      keyv.mode = "throws";
      await store.write([entryOf("k", "new")]);
      answer();
      expect(valuesOf((await reading).entries)).to.deep.equal([ABSENT, "old"]);
    });

    it("settles with a late answer nothing that came to be owed after it", async () => {
      const { deleteMany } = keyv;
      let answerLate = (): void => undefined;
      keyv.deleteMany = (keys) =>
        new Promise((resolve) => {
          answerLate = () => resolve(deleteMany.call(keyv, keys));
          keyv.deleteMany = deleteMany;
        });
      keyv.mode = "throws";
      await store.outdate([versionOf("t", "new")]);
      keyv.mode = "works";
      const failing = store.read(["k"], []);
      await clock.pass(1);
      expect((await failing).failed).to.equal(true);
      expect((await store.read(["k"], [])).failed).to.equal(false);
      keyv.values.set(versionAt("t"), writeVersion(versionOf("t", "old")));
      keyv.mode = "throws";
      await store.outdate([versionOf("t", "newer")]);
      keyv.mode = "works";
      answerLate();
      await clock.pass(0);
      keyv.values.set(versionAt("t"), writeVersion(versionOf("t", "old")));
      expect(await mark("t")).to.equal(undefined);
    });

    it("gets what is owed in chunks, and gets on with it however slow it is", async () => {
      const tags = Array.from({ length: 1000 }, (_, index) => `${index}`);
      keyv.mode = "throws";
      await store.outdate(tags.map((tag) => versionOf(tag, "new")));
      keyv.mode = "works";
      const { deleteMany } = keyv;
      keyv.deleteMany = async (keys) => {
        await new Promise((resolve) => setTimeout(resolve, 400));
        return deleteMany.call(keyv, keys);
      };
      keyv.forget();
      const first = store.read(["l"], []);
      await clock.pass(1);
      expect((await first).failed).to.equal(true);
      await clock.pass(0.5);
      const second = store.read(["l"], []);
      await clock.pass(1);
      expect((await second).failed).to.equal(false);
      expect(Math.max(...keyv.callsOf("deleteMany").map(({ length }) => length))).to.equal(256);
    });

    it("outdates everything when more is owed than can be kept", async () => {
      await store.establish([versionOf("r:", "root")]);
      keyv.mode = "throws";
      const tags = Array.from({ length: 10_001 }, (_, index) => `${index}`);
      await store.outdate(tags.map((tag) => versionOf(tag, "new")));
      keyv.mode = "works";
      keyv.forget();
      expect(await mark("r:")).to.equal(undefined);
      expect(keyv.callsOf("deleteMany")).to.deep.equal([[versionAt("r~3a")]]);
    });
  });
});
