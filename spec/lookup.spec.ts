import { expect } from "chai";
import type { CallOptions } from "../src/rules.js";
import { counting, deferred, failureOf, settled } from "./support/computation.js";
import { Process } from "./support/process.js";
import { RemoteStore } from "./support/remote-store.js";

describe("the engine on a remote store", () => {
  it("answers a hit with one read, and the first miss of all with one read, versions and one write (K157, K159)", async () => {
    const one = new Process();
    const { store } = one;
    await one.ask("key", counting());
    expect(store.calls).to.deep.equal(["read", "establish", "write"]);
    store.calls.length = 0;
    await one.ask("key", counting());
    expect(store.calls).to.deep.equal(["read"]);
    store.calls.length = 0;
    await one.ask("other", counting());
    expect(store.calls).to.deep.equal(["read", "write"]);
  });

  it("does not keep the caller waiting for the write", async () => {
    const one = new Process();
    const gate = deferred();
    one.store.before = (operation) => (operation === "write" ? gate.promise : Promise.resolve());
    expect(await one.ask("key", counting())).to.equal(1);
    gate.resolve();
  });

  it("runs a function once for callers of one process whose reads overlap", async () => {
    const one = new Process();
    const count = counting();
    const slow = async (): Promise<number> => {
      await settled();
      return count();
    };
    const values = await Promise.all(Array.from({ length: 1000 }, () => one.ask("key", slow)));
    expect(new Set(values)).to.deep.equal(new Set([1]));
  });

  it("runs a function once also for a caller whose read overlaps with the making of the versions", async () => {
    const one = new Process();
    const [late, computed] = [deferred(), deferred()];
    let runs = 0;
    const slow = async (): Promise<number> => {
      runs += 1;
      await computed.promise;
      return runs;
    };
    const first = one.ask("key", slow);
    let reads = 0;
    one.store.after = (operation) =>
      operation === "read" && (reads += 1) === 2 ? late.promise : Promise.resolve();
    const second = one.ask("key", slow);
    await settled();
    expect(runs).to.equal(1);
    late.resolve();
    await settled();
    computed.resolve();
    expect(await Promise.all([first, second])).to.deep.equal([1, 1]);
    expect(runs).to.equal(1);
  });

  it("runs a function once also for a caller whose read comes back after the computation ended", async () => {
    const one = new Process();
    await one.ask("warm", counting());
    const late = deferred();
    const count = counting();
    const first = one.ask("key", count);
    let reads = 0;
    one.store.after = (operation) =>
      operation === "read" && (reads += 1) === 2 ? late.promise : Promise.resolve();
    const second = one.ask("key", count);
    expect(await first).to.equal(1);
    await settled();
    late.resolve();
    expect(await second).to.equal(1);
    expect(await one.ask("key", count)).to.equal(1);
  });

  it("does not give such a caller what was deleted or invalidated before it asked", async () => {
    for (const end of ["remove", "outdate"] as const) {
      const one = new Process();
      const count = counting();
      const gates = [deferred(), deferred()] as const;
      const release = async (): Promise<number> => {
        await gates[0].promise;
        return count();
      };
      const first = one.ask("key", release, { tags: "tag" });
      await settled();
      if (end === "outdate") await one.invalidate("tag");
      else one.lookup.flights.drop("key");
      one.store.after = (operation) =>
        operation === "read" ? gates[1].promise : Promise.resolve();
      const second = one.ask("key", count, { tags: "tag" });
      gates[0].resolve();
      expect(await first).to.equal(1);
      await settled();
      gates[1].resolve();
      expect(await second).to.equal(2);
    }
  });

  it("lets a caller that came after a version was lost elsewhere join nothing older", async () => {
    const one = new Process();
    const computed = deferred();
    const older = one.ask("key", () => computed.promise.then(() => "before"), { tags: "tag" });
    await settled();
    one.store.versions.delete("t:tag");
    expect(await one.ask("key", () => "after", { tags: "tag" })).to.equal("after");
    computed.resolve();
    expect(await older).to.equal("before");
    expect(await one.ask("key", () => "again", { tags: "tag" })).to.equal("after");
  });

  it("shares what another process stored", async () => {
    const one = new Process();
    const two = new Process(new RemoteStore(one.store));
    const count = counting();
    expect([await one.ask("key", count), await two.ask("key", count)]).to.deep.equal([1, 1]);
    await one.invalidate("tag");
    expect(await two.ask("key", count)).to.equal(1);
  });

  it("agrees with a process that makes the versions at the same moment", async () => {
    const one = new Process();
    const two = new Process(new RemoteStore(one.store));
    const count = counting();
    await Promise.all([one.ask("a", count, { tags: "tag" }), two.ask("b", count, { tags: "tag" })]);
    const seen = [
      await one.ask("b", count, { tags: "tag" }),
      await two.ask("a", count, { tags: "tag" }),
    ];
    expect(seen).to.have.members([1, 2]);
    await two.invalidate("tag");
    expect(await one.ask("a", count, { tags: "tag" })).to.equal(3);
  });

  describe("after an invalidation", () => {
    it("serves nothing computed before, in the other process either", async () => {
      const one = new Process();
      const two = new Process(new RemoteStore(one.store));
      const count = counting();
      await one.ask("key", count, { tags: "tag" });
      await two.invalidate("tag");
      expect(await one.ask("key", count, { tags: "tag" })).to.equal(2);
      expect(await two.ask("key", count, { tags: "tag" })).to.equal(2);
    });

    it("in another process, during a computation, its result is dead on arrival", async () => {
      const one = new Process();
      const two = new Process(new RemoteStore(one.store));
      const gate = deferred();
      const overtaken = one.ask("key", () => gate.promise.then(() => "before"), { tags: "tag" });
      await settled();
      await two.invalidate("tag");
      gate.resolve();
      expect(await overtaken).to.equal("before");
      expect(await two.ask("key", () => "after", { tags: "tag" })).to.equal("after");
      expect(await one.ask("key", () => "again", { tags: "tag" })).to.equal("after");
    });

    it("in the same process nobody joins the older computation", async () => {
      const one = new Process();
      const gate = deferred();
      const older = one.ask("key", () => gate.promise.then(() => "before"), { tags: "tag" });
      await settled();
      await one.invalidate("tag");
      expect(await one.ask("key", () => "after", { tags: "tag" })).to.equal("after");
      gate.resolve();
      expect(await older).to.equal("before");
      expect(await one.ask("key", () => "again", { tags: "tag" })).to.equal("after");
    });

    it("in another process nobody joins the older computation, as soon as the new version is read", async () => {
      const one = new Process();
      const two = new Process(new RemoteStore(one.store));
      const gate = deferred();
      const older = one.ask("key", () => gate.promise.then(() => "before"), { tags: "tag" });
      await settled();
      await two.invalidate("tag");
      expect(await one.ask("key", () => "after", { tags: "tag" })).to.equal("after");
      gate.resolve();
      await older;
      expect(await one.ask("key", () => "again", { tags: "tag" })).to.equal("after");
    });

    it("of a tag that only the result names, a waiter that came after it gets a new value", async () => {
      const one = new Process();
      const gate = deferred();
      const options: CallOptions = { tags: async () => ["late"] };
      const older = one.ask("key", () => gate.promise.then(() => "before"), options);
      await settled();
      await one.invalidate("late");
      const newer = one.ask("key", () => "after", options);
      await settled();
      gate.resolve();
      expect(await older).to.equal("before");
      expect(await newer).to.equal("after");
      expect(await one.ask("key", () => "again", options)).to.equal("after");
    });

    it("nothing stands in for a computation that fails", async () => {
      const clock = Date.now;
      const one = new Process();
      const options: CallOptions = { timeout: "1ms", staleIfError: 100, tags: "tag" };
      await one.ask("key", () => "before", options);
      try {
        Date.now = () => clock() + 10;
        const gate = deferred();
        const failing = one.ask(
          "key",
          () => gate.promise.then(() => Promise.reject(new Error("down"))),
          options,
        );
        await settled();
        await one.invalidate("tag");
        gate.resolve();
        expect(await failureOf(failing)).to.have.property("message", "down");
      } finally {
        Date.now = clock;
      }
    });

    it("a version that was lost is as good as replaced", async () => {
      const one = new Process();
      const count = counting();
      await one.ask("key", count, { tags: "tag" });
      one.store.versions.delete("t:tag");
      expect(await one.ask("key", count, { tags: "tag" })).to.equal(2);
      one.store.versions.clear();
      expect(await one.ask("key", count, { tags: "tag" })).to.equal(3);
      expect(await one.ask("key", count, { tags: "tag" })).to.equal(3);
    });
  });

  it("takes an entry for dead that lacks a tag of the question", async () => {
    const one = new Process();
    const count = counting();
    await one.ask("key", count);
    expect(await one.ask("key", count, { tags: "tag" })).to.equal(2);
    await one.invalidate("tag");
    expect(await one.ask("key", count, { tags: "tag" })).to.equal(3);
  });

  describe("that is down", () => {
    it("computes, each run once, and stores nothing", async () => {
      const one = new Process();
      one.store.down = true;
      const count = counting();
      const slow = async (): Promise<number> => {
        await settled();
        return count();
      };
      expect(await Promise.all([one.ask("key", slow), one.ask("key", slow)])).to.deep.equal([1, 1]);
      expect(await one.ask("key", slow)).to.equal(2);
      expect(one.store.calls).not.to.include("write");
      one.store.down = false;
      expect([await one.ask("key", slow), await one.ask("key", slow)]).to.deep.equal([3, 3]);
    });

    it("while the versions are made, stores nothing", async () => {
      const one = new Process();
      one.store.before = async (operation) => {
        if (operation === "establish") one.store.down = true;
      };
      expect(await one.ask("key", counting())).to.equal(1);
      expect(one.store.calls).not.to.include("write");
    });

    it("leaves a result that was made of something without a version unstored", async () => {
      const one = new Process();
      await one.ask("warm", counting());
      const count = counting();
      const outer = async (): Promise<unknown> => {
        one.store.down = true;
        const inner = await one.ask("inner", count);
        one.store.down = false;
        return inner;
      };
      expect(await one.ask("outer", outer)).to.equal(1);
      expect(await one.ask("outer", outer)).to.equal(2);
    });
  });

  it("ends in a cycle that concurrent callers close", async () => {
    const one = new Process();
    const depth = { a: 0, b: 0 };
    const a = (): Promise<unknown> =>
      one.ask("a", async () => ((depth.a += 1) > 2 ? "a" : `a(${String(await b())})`));
    const b = (): Promise<unknown> =>
      one.ask("b", async () => ((depth.b += 1) > 2 ? "b" : `b(${String(await a())})`));
    const [first, second] = await Promise.all([a(), b()]);
    expect(first).to.match(/^a/);
    expect(second).to.match(/^b/);
  });
});
