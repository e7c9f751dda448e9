import { expect } from "chai";
import { Cache } from "../src/index.js";
import { deferred, failureOf, settled } from "./support/computation.js";

describe("concurrent calls", () => {
  it("of ten thousand callers on a cold key run the function once (L16)", async () => {
    const cache = new Cache();
    let runs = 0;
    const slow = cache.memoize({}, async function slow(id: number) {
      runs += 1;
      await settled();
      return { id };
    });
    const values = await Promise.all(Array.from({ length: 10_000 }, () => slow(7)));
    expect(runs).to.equal(1);
    expect(new Set(values).size).to.equal(10_000);
    for (const value of values) expect(value).to.deep.equal({ id: 7 });
  });

  it("also when they come while the computation is under way", async () => {
    const gate = deferred<string>();
    const cache = new Cache();
    let runs = 0;
    const slow = cache.memoize({}, async function slow() {
      runs += 1;
      return gate.promise;
    });
    const calls: Promise<string>[] = [];
    for (let round = 0; round < 5; round += 1) {
      calls.push(slow());
      await settled();
    }
    gate.resolve("done");
    expect(await Promise.all(calls)).to.deep.equal(Array(5).fill("done"));
    expect(runs).to.equal(1);
  });

  it("all fail with the same error, and the next call runs the function again", async () => {
    const cache = new Cache();
    const failure = new Error("down");
    let runs = 0;
    const flaky = cache.memoize({}, async function flaky() {
      runs += 1;
      await settled();
      if (runs === 1) throw failure;
      return runs;
    });
    const errors = await Promise.all(Array.from({ length: 1000 }, () => failureOf(flaky())));
    expect(runs).to.equal(1);
    expect(new Set(errors)).to.deep.equal(new Set([failure]));
    expect(await flaky()).to.equal(2);
    expect(await flaky()).to.equal(2);
  });

  it("fail with whatever the function throws, also at once and also what is no error", async () => {
    const cache = new Cache();
    const thrown: unknown[] = [
      undefined,
      null,
      "text",
      Object.create(null),
      new RangeError("range"),
    ];
    let current: unknown;
    const throwing = cache.memoize({}, function throwing() {
      throw current;
    });
    for (current of thrown) {
      const errors = await Promise.all([failureOf(throwing()), failureOf(throwing())]);
      expect(errors[0]).to.equal(current);
      expect(errors[1]).to.equal(current);
    }
  });

  it("that fail leave nothing unhandled", async () => {
    const seen: unknown[] = [];
    const listen = (reason: unknown): number => seen.push(reason);
    process.on("unhandledRejection", listen);
    const failing = new Cache().memoize({}, async function failing() {
      throw new Error("mine");
    });
    await Promise.all([failureOf(failing()), failureOf(failing()), failureOf(failing())]);
    await settled();
    process.off("unhandledRejection", listen);
    expect(seen).to.deep.equal([]);
  });

  it("get a value of their own each", async () => {
    const shared = new Cache().memoize({}, async function shared() {
      return { list: [1] };
    });
    const [a, b, c] = await Promise.all([shared(), shared(), shared()]);
    a.list.push(2);
    b.list.push(3);
    expect(c.list).to.deep.equal([1]);
    expect(await shared()).to.deep.equal({ list: [1] });
  });

  it("of different keys do not wait for each other", async () => {
    const gate = deferred();
    const slow = new Cache().memoize({}, async function slow(id: number) {
      if (id === 1) await gate.promise;
      return id;
    });
    const first = slow(1);
    expect(await slow(2)).to.equal(2);
    gate.resolve();
    expect(await first).to.equal(1);
  });

  it("of what cannot be given to others run the function each, at once", async () => {
    const cache = new Cache();
    cache.on("error", () => undefined);
    let running = 0;
    let most = 0;
    const streams = cache.memoize({}, async function streams() {
      running += 1;
      most = Math.max(most, running);
      await settled();
      running -= 1;
      return () => "a function";
    });
    const given = await Promise.all([streams(), streams(), streams(), streams()]);
    expect(new Set(given).size).to.equal(4);
    expect(most).to.equal(3);
  });

  it("that force an update each compute, and the last one started is stored", async () => {
    const gates = [deferred(), deferred()] as const;
    const cache = new Cache();
    const options = { forcedUpdate: (force: number) => force < 2, argsKey: () => "same" };
    const slow = cache.memoize(options, async function slow(call: number) {
      await gates[call]?.promise;
      return call;
    });
    const first = slow(0);
    await settled();
    const second = slow(1);
    await settled();
    gates[1].resolve();
    expect(await second).to.equal(1);
    gates[0].resolve();
    expect(await first).to.equal(0);
    expect(await slow(2)).to.equal(1);
  });
});

describe("a call that would wait for itself", () => {
  it("computes directly", async () => {
    const cache = new Cache();
    let runs = 0;
    const again = cache.memoize({}, async function again(): Promise<string> {
      runs += 1;
      return runs === 1 ? `outer(${await again()})` : "inner";
    });
    expect(await again()).to.equal("outer(inner)");
    expect(await again()).to.equal("outer(inner)");
    expect(runs).to.equal(2);
  });

  it("computes directly, further up the chain as well", async () => {
    const cache = new Cache();
    let runs = 0;
    const a = cache.memoize({}, async function a(): Promise<string> {
      runs += 1;
      return runs > 1 ? "a" : `a(${await b()})`;
    });
    const b = cache.memoize({}, async function b(): Promise<string> {
      await settled();
      return `b(${await a()})`;
    });
    expect(await a()).to.equal("a(b(a))");
  });

  it("computes directly in a cycle that concurrent callers close", async () => {
    const cache = new Cache();
    const calls = { a: 0, b: 0 };
    const a = cache.memoize({}, async function a(): Promise<string> {
      calls.a += 1;
      await settled();
      return calls.a > 1 ? "a" : `a(${await b()})`;
    });
    const b = cache.memoize({}, async function b(): Promise<string> {
      calls.b += 1;
      await settled();
      return calls.b > 1 ? "b" : `b(${await a()})`;
    });
    const [first, second] = await Promise.all([a(), b()]);
    expect(first).to.match(/^a\(b/);
    expect(second).to.match(/^b\(a/);
    expect([await a(), await b()]).to.deep.equal([first, second]);
  });

  it("computes directly in a cycle of two caches", async () => {
    const [one, two] = [new Cache(), new Cache({ namespace: "two" })];
    let runs = 0;
    const a = one.memoize({}, async function a(): Promise<string> {
      runs += 1;
      return runs > 1 ? "a" : `a(${await b()})`;
    });
    const b = two.memoize({}, async function b(): Promise<string> {
      return `b(${await a()})`;
    });
    expect(await a()).to.equal("a(b(a))");
  });

  it("waits where that ends: a computation beneath that somebody else runs", async () => {
    const gate = deferred<number>();
    const cache = new Cache();
    let runs = 0;
    const base = cache.memoize({}, async function base() {
      runs += 1;
      return gate.promise;
    });
    const left = cache.memoize({}, async function left() {
      return base();
    });
    const right = cache.memoize({}, async function right() {
      return base();
    });
    const both = Promise.all([left(), right()]);
    await settled();
    gate.resolve(7);
    expect(await both).to.deep.equal([7, 7]);
    expect(runs).to.equal(1);
  });
});
