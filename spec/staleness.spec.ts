import { expect } from "chai";
import type { CallOptions } from "../src/rules.js";
import { stopClock } from "./support/clock.js";
import { counting, deferred, failureOf, settled } from "./support/computation.js";
import { Process } from "./support/process.js";

describe("values past their time", () => {
  const clock = stopClock();

  it("are served while one background run computes anew (staleWhileRevalidate)", async () => {
    const one = new Process();
    const gate = deferred();
    let runs = 0;
    const slow = async (): Promise<number> => {
      runs += 1;
      if (runs > 1) await gate.promise;
      return runs;
    };
    const options: CallOptions = { timeout: 10, staleWhileRevalidate: 20 };
    expect(await one.ask("key", slow, options)).to.equal(1);
    clock.jump(10);
    expect(
      await Promise.all([one.ask("key", slow, options), one.ask("key", slow, options)]),
    ).to.deep.equal([1, 1]);
    expect(await one.ask("key", slow, options)).to.equal(1);
    expect(runs).to.equal(2);
    gate.resolve();
    await one.lookup.idle();
    expect(await one.ask("key", slow, options)).to.equal(2);
    expect(one.stats.direct).to.include({ stale: 3, hits: 1, misses: 1, writes: 2 });
  });

  it("are not served when the stale time is over", async () => {
    const one = new Process();
    const count = counting();
    const options: CallOptions = { timeout: 10, staleWhileRevalidate: 20 };
    await one.ask("key", count, options);
    clock.jump(30);
    expect(await one.ask("key", count, options)).to.equal(2);
  });

  it("stay when the background run fails, which is told as an error and tried again", async () => {
    const one = new Process();
    let runs = 0;
    const flaky = (): number => {
      runs += 1;
      if (runs === 2) throw Object.create(null) as Error;
      return runs;
    };
    const options: CallOptions = { timeout: 10, staleWhileRevalidate: 20 };
    await one.ask("key", flaky, options);
    clock.jump(10);
    expect(await one.ask("key", flaky, options)).to.equal(1);
    await one.lookup.idle();
    expect(one.errors).to.have.length(1);
    expect(await one.ask("key", flaky, options)).to.equal(1);
    await one.lookup.idle();
    expect(await one.ask("key", flaky, options)).to.equal(3);
  });

  it("stand in for a computation that fails, for its waiters too (staleIfError)", async () => {
    const one = new Process();
    const failure = new Error("down");
    let down = false;
    const source = async (): Promise<string> => {
      await Promise.resolve();
      if (down) throw failure;
      return "good";
    };
    const options: CallOptions = { timeout: 10, staleIfError: 100 };
    await one.ask("key", source, options);
    down = true;
    clock.jump(10);
    expect(
      await Promise.all([one.ask("key", source, options), one.ask("key", source, options)]),
    ).to.deep.equal(["good", "good"]);
    expect(one.errors).to.deep.equal([failure]);
    clock.jump(100);
    expect(await failureOf(one.ask("key", source, options))).to.equal(failure);
  });

  it("stand in for whoever waits on somebody else's background run", async () => {
    const one = new Process();
    const gate = deferred();
    let runs = 0;
    const flaky = async (): Promise<number> => {
      runs += 1;
      if (runs > 1) await gate.promise;
      return runs;
    };
    const options: CallOptions = { timeout: 10, staleWhileRevalidate: 5, staleIfError: 100 };
    await one.ask("key", flaky, options);
    clock.jump(10);
    await one.ask("key", flaky, options);
    clock.jump(5);
    const waiting = one.ask("key", flaky, options);
    await settled();
    gate.reject(new Error("down"));
    expect(await waiting).to.equal(1);
    expect(runs).to.equal(2);
  });

  it("are replaced by a computation that works", async () => {
    const one = new Process();
    const count = counting();
    const options: CallOptions = { timeout: 10, staleIfError: 100 };
    await one.ask("key", count, options);
    clock.jump(10);
    expect([
      await one.ask("key", count, options),
      await one.ask("key", count, options),
    ]).to.deep.equal([2, 2]);
  });

  it("leave their tags on what is made of them, like fresh ones", async () => {
    const one = new Process();
    const count = counting();
    const inner = (): Promise<unknown> =>
      one.ask("inner", count, { timeout: 10, staleWhileRevalidate: 100, tags: "tag" });
    await inner();
    clock.jump(10);
    const outer = (): Promise<unknown> => one.ask("outer", inner);
    expect(await outer()).to.equal(1);
    await one.lookup.idle();
    expect(await outer()).to.equal(1);
    await one.invalidate("tag");
    expect(await outer()).to.equal(3);
  });
});

describe("early refresh", () => {
  const clock = stopClock();
  const { random } = Math;
  afterEach(() => {
    Math.random = random;
  });

  it("refreshes in the background, the likelier the nearer the end and the costlier the value", async () => {
    const one = new Process();
    const count = counting();
    const slow = async (): Promise<number> => {
      await clock.pass(1);
      return count();
    };
    const options: CallOptions = { timeout: 100, earlyRefresh: 1 };
    const first = one.ask("key", slow, options);
    expect(await first).to.equal(1);
    clock.jump(97);
    Math.random = () => Math.exp(-2.9);
    expect(await one.ask("key", slow, options)).to.equal(1);
    await one.lookup.idle();
    expect(one.stats.direct.writes).to.equal(1);
    Math.random = () => Math.exp(-3.1);
    expect(await one.ask("key", slow, options)).to.equal(1);
    await one.lookup.idle();
    expect(one.stats.direct.writes).to.equal(2);
    expect(await one.ask("key", slow, options)).to.equal(2);
  });

  it("of 0 never happens", async () => {
    const one = new Process();
    const count = counting();
    await one.ask("key", count, { timeout: 100 });
    clock.jump(99);
    Math.random = () => 0;
    expect(await one.ask("key", count, { timeout: 100 })).to.equal(1);
    await one.lookup.idle();
    expect(one.stats.direct.writes).to.equal(1);
  });
});
