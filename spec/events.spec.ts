import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { expect } from "chai";
import { StoreError } from "../src/errors.js";
import { EVENT_NAMES, Events, type CacheEvent, type CacheEventName } from "../src/events.js";
import { Cache, OptionError, runInRequestContext } from "../src/index.js";
import { stopClock } from "./support/clock.js";
import { counting, failureOf, settled } from "./support/computation.js";

/** The process warnings of this library that something causes. */
async function warningsOf(
  run: () => unknown,
): Promise<readonly { message: string; code?: string }[]> {
  const seen: { name: string; message: string; code?: string }[] = [];
  const listen = (warning: Error): number => seen.push(warning);
  process.on("warning", listen);
  try {
    await run();
    await settled();
  } finally {
    process.off("warning", listen);
  }
  return seen.filter(({ name }) => name === "KoaCachingWarning");
}

/** What a cache tells, by name, from now on. */
function record(cache: Cache): [CacheEventName, CacheEvent][] {
  const told: [CacheEventName, CacheEvent][] = [];
  for (const name of EVENT_NAMES) cache.on(name, (event) => told.push([name, event]));
  return told;
}

describe("listeners", () => {
  it("are called with the event, in their order, until they are taken away", () => {
    const events = new Events();
    const seen: string[] = [];
    const first = (): number => seen.push("first");
    events.on("hit", first);
    const stop = events.on("hit", ({ key }) => seen.push(`second ${key}`));
    events.emit("hit", { key: "a" });
    events.off("hit", first);
    events.emit("hit", { key: "b" });
    stop();
    events.emit("hit", { key: "c" });
    expect(seen).to.deep.equal(["first", "second a", "second b"]);
  });

  it("of a cache are taken away by off, or by what on gave", async () => {
    const cache = new Cache();
    let heard = 0;
    const listener = (): number => (heard += 1);
    const stop = cache.on("miss", listener);
    cache.off("miss", listener);
    stop();
    await cache.memoize({}, counting())();
    expect(heard).to.equal(0);
  });

  it("are added once, however often", () => {
    const events = new Events();
    let calls = 0;
    const listener = (): number => (calls += 1);
    events.on("hit", listener);
    events.on("hit", listener);
    events.emit("hit", {});
    expect(calls).to.equal(1);
  });

  it("may be added and taken away by a listener; the event under way reaches those before it", () => {
    const events = new Events();
    let late = 0;
    events.on("hit", () => events.on("hit", () => (late += 1)));
    const stop = events.on("hit", () => stop());
    events.emit("hit", {});
    expect(late).to.equal(0);
    events.emit("hit", {});
    expect(late).to.equal(1);
  });

  it("make a cache build events, and nothing else does", () => {
    const events = new Events();
    expect(events.heard("hit")).to.equal(false);
    const stop = events.on("hit", () => undefined);
    expect([events.heard("hit"), events.heard("miss")]).to.deep.equal([true, false]);
    stop();
    expect(events.heard("hit")).to.equal(false);
    events.off("miss", () => undefined);
  });

  it("must be functions of a known event", () => {
    const cache = new Cache();
    expect(() => cache.on("hits" as never, () => undefined)).to.throw(
      OptionError,
      /^Events are hit, miss, .*; got "hits"/,
    );
    expect(() => cache.on("hit", undefined as never)).to.throw(
      OptionError,
      /must be a function; got undefined/,
    );
  });

  const failures: readonly (readonly [string, () => unknown])[] = [
    [
      "throws",
      () => {
        throw new Error("boom");
      },
    ],
    ["rejects", () => Promise.reject(new Error("boom"))],
    [
      "throws what is no error",
      () => {
        throw Object.create(null) as Error;
      },
    ],
    ["rejects with nothing", () => Promise.reject(undefined)],
  ];
  for (const [how, listener] of failures) {
    it(`that ${how} harms nobody: the call, the other listeners and the process go on`, async () => {
      const cache = new Cache();
      let others = 0;
      cache.on("miss", listener);
      cache.on("miss", () => (others += 1));
      const count = cache.memoize({}, counting());
      const warnings = await warningsOf(async () => expect(await count()).to.equal(1));
      expect(others).to.equal(1);
      expect(warnings).to.have.length(1);
      expect(warnings[0]!.code).to.equal("ERR_LISTENER");
    });
  }
});

describe("an error that nobody listens to", () => {
  it("becomes a process warning, the first of each kind only", async () => {
    const events = new Events();
    const warnings = await warningsOf(() => {
      events.emit("error", { error: new StoreError("store is down") });
      events.emit("error", { error: new StoreError("store is still down") });
      events.emit("error", { error: new RangeError("another kind") });
      events.emit("error", { error: new RangeError("another kind, again") });
    });
    expect(warnings.map(({ code, message }) => [code, message])).to.deep.equal([
      [
        "ERR_STORE",
        'store is down (Listen with cache.on("error", …); this kind is not shown again.)',
      ],
      [
        "RangeError",
        'another kind (Listen with cache.on("error", …); this kind is not shown again.)',
      ],
    ]);
  });

  it("warns once in each cache", async () => {
    const warnings = await warningsOf(() => {
      for (const events of [new Events(), new Events()])
        events.emit("error", { error: new StoreError("down") });
    });
    expect(warnings).to.have.length(2);
  });

  it("does not become a warning when somebody listens", async () => {
    const events = new Events();
    const seen: unknown[] = [];
    events.on("error", ({ error }) => seen.push(error));
    const error = new StoreError("down");
    expect(await warningsOf(() => events.emit("error", { error }))).to.deep.equal([]);
    expect(seen).to.deep.equal([error]);
  });

  it("never throws", () => {
    new Events().emit("error", {});
  });
});

describe("diagnostics channels", () => {
  it("carry every event, without a listener at the cache", () => {
    for (const name of EVENT_NAMES) {
      const seen: unknown[] = [];
      const subscriber = (message: unknown): number => seen.push(message);
      subscribe(`koa-caching:${name}`, subscriber);
      const events = new Events();
      expect(events.heard(name)).to.equal(true);
      events.emit(name, { key: name });
      unsubscribe(`koa-caching:${name}`, subscriber);
      events.emit("hit", { key: "later" });
      expect(seen).to.deep.equal([{ key: name }]);
    }
  });

  it("spare the process the warning about an error", async () => {
    const seen: unknown[] = [];
    const subscriber = (message: unknown): number => seen.push(message);
    subscribe("koa-caching:error", subscriber);
    try {
      const error = new StoreError("down");
      expect(await warningsOf(() => new Events().emit("error", { error }))).to.deep.equal([]);
      expect(seen).to.deep.equal([{ error }]);
    } finally {
      unsubscribe("koa-caching:error", subscriber);
    }
  });

  it("tell of the hits and misses of a cache", async () => {
    const seen: CacheEvent[] = [];
    const subscriber = (message: unknown): number => seen.push(message as CacheEvent);
    for (const name of ["hit", "miss"]) subscribe(`koa-caching:${name}`, subscriber);
    try {
      const count = new Cache().memoize({}, counting());
      await count();
      await count();
    } finally {
      for (const name of ["hit", "miss"]) unsubscribe(`koa-caching:${name}`, subscriber);
    }
    expect(seen.map(({ name, tier }) => [name, tier])).to.deep.equal([
      ["count", "memory"],
      ["count", "memory"],
    ]);
  });
});

describe("a cache tells", () => {
  const clock = stopClock();

  it("miss and write, then hit, with key, name, tier, age and duration (K150)", async () => {
    const cache = new Cache();
    const told = record(cache);
    const slow = cache.cached({ keyPrefix: "page/%s" }, async function slow() {
      clock.jump(2);
      await Promise.resolve();
      return 1;
    });
    await runInRequestContext("/a", async () => {
      await slow();
      clock.jump(3);
      await slow();
    });
    const [write, miss, hit] = told;
    const common = { key: "page//a", name: "slow", tier: "memory" };
    expect(write).to.deep.equal(["write", { ...common, duration: write![1].duration }]);
    expect(miss).to.deep.equal(["miss", { ...common, duration: miss![1].duration }]);
    expect(miss![1].duration).to.be.a("number").and.at.least(0);
    expect(hit).to.deep.equal(["hit", { ...common, age: 3 }]);
    expect(told).to.have.length(3);
  });

  it("each key apart (K151)", async () => {
    const cache = new Cache();
    const told = record(cache);
    const count = cache.cached({}, counting());
    for (const path of ["/a", "/b", "/a"]) await runInRequestContext(path, () => count());
    const summary = told
      .filter(([name]) => name !== "write")
      .map(([name, { key }]) => `${name} ${key}`);
    expect(summary).to.deep.equal(["miss view//a", "miss view//b", "hit view//a"]);
  });

  it("a waiter's miss as collapsed", async () => {
    const cache = new Cache();
    const told = record(cache);
    const count = cache.memoize({}, counting());
    await Promise.all([count(), count()]);
    const misses = told
      .filter(([name]) => name === "miss")
      .map(([, { collapsed }]) => collapsed === true);
    expect(misses).to.have.members([false, true]);
  });

  it("a forced update as a miss (K154)", async () => {
    const cache = new Cache();
    const told = record(cache);
    const count = cache.memoize({ forcedUpdate: () => true }, counting());
    await count();
    await count();
    expect(told.map(([name]) => name)).to.deep.equal(["write", "miss", "write", "miss"]);
  });

  it("a hit that isStale refuses as a miss (K155)", async () => {
    const cache = new Cache();
    const told = record(cache);
    const count = cache.memoize({ isStale: () => true }, counting());
    await count();
    await count();
    expect(told.map(([name]) => name)).to.deep.equal(["write", "miss", "write", "miss"]);
  });

  it("a bypass, and nothing else about that call", async () => {
    const cache = new Cache();
    const told = record(cache);
    const count = cache.cached({ unless: () => true }, counting());
    await count();
    expect(told).to.deep.equal([["bypass", { name: "count" }]]);
  });

  it("deletions, by key", async () => {
    const cache = new Cache();
    await cache.set("a", 1);
    const told = record(cache);
    await cache.deleteMany(["a", "b"]);
    expect(told).to.deep.equal([
      ["delete", { key: "a", tier: "memory" }],
      ["delete", { key: "b", tier: "memory" }],
    ]);
  });

  it("stale answers with their age, and with the error if there was one", async () => {
    const cache = new Cache();
    const told = record(cache);
    const failure = new Error("source is down");
    let runs = 0;
    const flaky = cache.memoize({ timeout: 10, staleIfError: 100 }, async function flaky() {
      runs += 1;
      if (runs > 1) throw failure;
      return runs;
    });
    await flaky();
    clock.jump(20);
    told.length = 0;
    expect(await flaky()).to.equal(1);
    expect(told.map(([name]) => name)).to.deep.equal(["error", "stale"]);
    expect(told[0]![1]).to.include({ name: "flaky", error: failure });
    expect(told[1]![1]).to.include({ name: "flaky", age: 20, error: failure });
  });

  it("an error as an Error, whatever was thrown", async () => {
    const thrown: readonly (readonly [unknown, string])[] = [
      ["text", "text"],
      [undefined, "undefined"],
      [Object.create(null), "an object"],
      [Symbol("s"), "a symbol"],
    ];
    for (const [value, message] of thrown) {
      const cache = new Cache();
      const told = record(cache);
      let runs = 0;
      const flaky = cache.memoize({ timeout: 1, staleIfError: 100 }, function flaky() {
        runs += 1;
        if (runs > 1) throw value;
        return runs;
      });
      await flaky();
      clock.jump(2);
      expect(await flaky()).to.equal(1);
      const error = told.find(([name]) => name === "error")![1].error!;
      expect(error).to.be.instanceOf(Error).and.to.include({ message, cause: value });
    }
  });

  it("what cannot be cached as an error that names the place in the value", async () => {
    const cache = new Cache();
    const told = record(cache);
    const odd = cache.memoize({}, async function odd() {
      return { list: [{ handler: () => 1 }] };
    });
    await odd();
    const errors = told
      .filter(([name]) => name === "error")
      .map(([, { error, name }]) => [name, error]);
    expect(errors).to.have.length(1);
    expect(errors[0]![0]).to.equal("odd");
    expect(errors[0]![1]).to.include({ code: "ERR_NOT_CARRIABLE", path: "value.list[0].handler" });
    expect(told.map(([name]) => name)).not.to.include("write");
  });

  it("no event for a function that fails, whose error is the caller's", async () => {
    const cache = new Cache();
    const told = record(cache);
    const failing = cache.memoize({}, async function failing() {
      throw new Error("mine");
    });
    await failureOf(failing());
    expect(told.map(([name]) => name)).not.to.include.members(["error"]);
  });
});
