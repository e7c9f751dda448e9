import { expect } from "chai";
import Koa from "koa";
import {
  Cache,
  OptionError,
  StoreError,
  runInRequestContext,
  type CacheOptions,
} from "../src/index.js";
import { settleOptions } from "../src/config.js";
import { stopClock } from "./support/clock.js";
import { counting, failureOf } from "./support/computation.js";

describe("the options of a cache", () => {
  it("have defaults", () => {
    expect(settleOptions({}, "new Cache()")).to.deep.equal({
      store: "memory:",
      life: 300_000,
      namespace: "koa-caching",
      memory: { entries: 10_000, bytes: 64 * 1024 * 1024 },
      sharing: "copy",
      enabled: true,
      strict: false,
      onNullStore: "warn",
      storeTimeout: 1000,
      breaker: { failures: 5, rest: 5000 },
    });
  });

  it("take undefined for what is not given", () => {
    const names = Object.keys(settleOptions({}, "new Cache()"));
    const options = Object.fromEntries(
      names
        .filter((name) => name !== "life" && name !== "sharing")
        .map((name) => [name, undefined]),
    );
    expect(settleOptions({ ...options, timeout: undefined }, "new Cache()")).to.deep.equal(
      settleOptions({}, "new Cache()"),
    );
  });

  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    store: ["bogus://localhost", "redis", "", "memory", null, 7, true, {}, [], () => 1],
    timeout: [-1, Number.NaN, Infinity, "5 minutes", "300", null],
    namespace: ["", 7, null],
    memory: [
      null,
      7,
      [],
      { entry: 1 },
      { entries: 0 },
      { entries: 1.5 },
      { bytes: -1 },
      { bytes: "1" },
      { copy: "no" },
      { entries: null },
      { copy: null },
    ],
    enabled: ["false", 0, null],
    strict: ["yes", 1],
    onNullStore: ["quiet", true, null],
    storeTimeout: [0, -1, Number.NaN, "fast"],
    breaker: [
      true,
      { failure: 5 },
      { failures: 0 },
      { rest: 0 },
      { rest: "a while" },
      { rest: null },
    ],
    timeuot: [5],
    CACHE_TYPE: ["SimpleCache"],
  };
  for (const [option, values] of Object.entries(wrong)) {
    for (const value of values) {
      it(`are refused where they are written: ${option} ${JSON.stringify(value) ?? "a function"} (K144, K147)`, () => {
        const options = { [option]: value } as CacheOptions;
        const name = option.slice(0, 5);
        expect(() => new Cache(options))
          .to.throw(OptionError)
          .with.property("message")
          .that.contains(name);
        const cache = new Cache();
        expect(() => cache.initApp(new Koa(), options))
          .to.throw(OptionError)
          .with.property("message")
          .that.contains(name);
      });
    }
  }

  it("name the nearest right option", () => {
    expect(() => new Cache({ timeuot: 5 } as CacheOptions)).to.throw(
      OptionError,
      'new Cache() has no option "timeuot". Did you mean timeout?',
    );
    expect(() => new Cache({ memory: { maxEntries: 5 } } as CacheOptions)).to.throw(
      OptionError,
      /new Cache\(\), memory has no option "maxEntries"/,
    );
  });

  for (const options of [null, 7, "redis://localhost", []]) {
    it(`must be an object, not ${JSON.stringify(options)}, in the constructor and in initApp`, () => {
      expect(() => new Cache(options as never)).to.throw(OptionError, /must be an object/);
      expect(() => new Cache().initApp(new Koa(), options as never)).to.throw(
        OptionError,
        /must be an object/,
      );
    });
  }

  it("that are wrong leave the application and the cache as they were", () => {
    const app = new Koa();
    const cache = new Cache({ timeout: 5 });
    expect(() => cache.initApp(app, { timeout: -1 })).to.throw(OptionError);
    expect(app.middleware).to.deep.equal([]);
    expect("cache" in app.context).to.equal(false);
    cache.initApp(app, {});
    expect(app.middleware).to.have.length(1);
  });
});

describe("initApp", () => {
  const clock = stopClock();

  /** After how many seconds a value that is set without a timeout is gone. */
  async function defaultTimeout(cache: Cache): Promise<number> {
    await cache.set("probe", 1);
    let seconds = 0;
    while (await cache.has("probe")) {
      clock.jump(1);
      seconds += 1;
    }
    return seconds;
  }

  it("without options leaves those of the constructor (C26, K026)", async () => {
    const cache = new Cache({ timeout: 7 });
    cache.initApp(new Koa());
    expect(await defaultTimeout(cache)).to.equal(7);
  });

  it("gives options to a cache that was made without (C27, K027)", async () => {
    const cache = new Cache();
    cache.initApp(new Koa(), { timeout: 7 });
    expect(await defaultTimeout(cache)).to.equal(7);
  });

  it("wins over the constructor, option by option (C28, K028)", async () => {
    const cache = new Cache({ store: "null:", onNullStore: "silent", timeout: 3 });
    cache.initApp(new Koa(), { store: "memory:" });
    expect(await defaultTimeout(cache)).to.equal(3);
  });

  it("does not undo an option by undefined", async () => {
    const cache = new Cache({ timeout: 7 });
    cache.initApp(new Koa(), { timeout: undefined });
    expect(await defaultTimeout(cache)).to.equal(7);
  });

  it("may be called for several applications before the first use; the last options win", async () => {
    const cache = new Cache();
    cache.initApp(new Koa(), { timeout: 3 });
    cache.initApp(new Koa(), { timeout: 5 });
    cache.initApp(new Koa());
    expect(await defaultTimeout(cache)).to.equal(5);
  });

  it("sets ctx.cache, the last one's if several caches are installed (K029)", () => {
    const app = new Koa();
    const [first, last] = [new Cache(), new Cache()];
    first.initApp(app);
    expect(app.context.cache).to.equal(first);
    last.initApp(app);
    expect(app.context.cache).to.equal(last);
    expect(Object.keys(app.context)).not.to.include("cache");
  });

  it("settles what was wrapped before (K075)", async () => {
    const cache = new Cache({ timeout: 100 });
    const count = cache.cached({ keyPrefix: "one" }, counting());
    cache.initApp(new Koa(), { timeout: 2 });
    await runInRequestContext("/", async () => {
      expect(await count()).to.equal(1);
      clock.jump(3);
      expect(await count()).to.equal(2);
    });
  });

  it("with options after the first use throws, and says what to do", async () => {
    const cache = new Cache();
    await cache.get("anything");
    cache.initApp(new Koa());
    cache.initApp(new Koa(), {});
    expect(() => cache.initApp(new Koa(), { timeout: 5 })).to.throw(
      OptionError,
      /initApp\(\) got options after the cache had been used\. Call it before/,
    );
  });

  for (const app of [undefined, null, {}, { use: () => undefined }, () => undefined]) {
    it(`refuses ${app === null ? "null" : typeof app} for an application`, () => {
      expect(() => new Cache().initApp(app as never)).to.throw(
        OptionError,
        /takes a Koa application; got /,
      );
    });
  }
});

describe("a cache that is not enabled", () => {
  it("runs every wrapped function, without a request context and without a store", async () => {
    const cache = new Cache({ enabled: false });
    const cached = cache.cached({}, counting());
    const memoized = cache.memoize({}, counting());
    expect([await cached(), await cached(), await memoized(), await memoized()]).to.deep.equal([
      1, 2, 1, 2,
    ]);
    expect([await cached.refresh(), await memoized.refresh()]).to.deep.equal([3, 3]);
    expect(cache.stats().misses).to.equal(0);
  });

  it("asks no callable", async () => {
    const never = (): never => {
      throw new Error("asked");
    };
    const cache = new Cache({ enabled: false });
    const rules = {
      unless: never,
      forcedUpdate: never,
      isStale: never,
      shouldCache: never,
      timeout: never,
    };
    const count = cache.cached({ ...rules, keyPrefix: never, makeCacheKey: never }, counting());
    expect(await count()).to.equal(1);
    expect(await cache.fetch("key", { unless: never }, counting())).to.equal(1);
  });

  it("gives promises all the same, of values and of errors", async () => {
    const cache = new Cache({ enabled: false });
    const failure = new Error("mine");
    const failing = cache.memoize({}, function failing(): number {
      throw failure;
    });
    const seen = await failing().catch((error: unknown) => error);
    expect(seen).to.equal(failure);
  });

  it("can be enabled by initApp", async () => {
    const cache = new Cache({ enabled: false });
    const count = cache.memoize({}, counting());
    cache.initApp(new Koa(), { enabled: true });
    expect([await count(), await count()]).to.deep.equal([1, 1]);
  });
});

describe("several caches", () => {
  it("hold values apart, in one application (K035)", async () => {
    const [one, two] = [new Cache(), new Cache()];
    await one.set("key", "one");
    await two.set("key", "two");
    expect([await one.get("key"), await two.get("key")]).to.deep.equal(["one", "two"]);
    await one.clear();
    expect([await one.get("key"), await two.get("key")]).to.deep.equal([undefined, "two"]);
  });

  it("on one store are kept apart by their namespaces (K030)", async () => {
    const store = new Map();
    const [one, two] = [
      new Cache({ store, namespace: "one" }),
      new Cache({ store, namespace: "two" }),
    ];
    await one.set("key", "one");
    expect(await two.get("key")).to.equal(undefined);
    await two.set("key", "two");
    await one.clear();
    expect([await one.get("key"), await two.get("key")]).to.deep.equal([undefined, "two"]);
    await Promise.all([one.close(), two.close()]);
  });

  it("can be subclasses (K035)", async () => {
    class Site extends Cache {
      override async get<T = unknown>(key: string): Promise<T | undefined> {
        return super.get<T>(`site/${key}`);
      }
    }
    const site = new Site();
    await site.set("site/a", 1);
    expect(await site.get("a")).to.equal(1);
  });
});

describe("the null store", () => {
  it("never has a value, and functions run each time (K025)", async () => {
    const cache = new Cache({ store: "null:", onNullStore: "silent" });
    const count = cache.memoize({}, counting());
    await cache.set("key", 1);
    expect([await cache.get("key"), await cache.has("key")]).to.deep.equal([undefined, false]);
    expect([await count(), await count()]).to.deep.equal([1, 2]);
    expect([await cache.delete("key"), await cache.deleteMany(["key"])]).to.deep.equal([
      false,
      [false],
    ]);
  });
});

describe("strict mode", () => {
  it("throws what the store fails with, and never hides a function's own error behind it", async () => {
    class Broken extends Map<string, unknown> {
      override get(): never {
        throw new Error("broken");
      }
    }
    const cache = new Cache({ store: new Broken(), strict: true });
    const errors: unknown[] = [];
    cache.on("error", ({ error }) => errors.push(error));
    const count = cache.memoize({}, counting());
    expect(await failureOf(count())).to.be.instanceOf(StoreError);
    expect(await failureOf(cache.get("key"))).to.be.instanceOf(StoreError);
    expect(errors).to.deep.equal([]);
    const failing = new Cache({ strict: true }).memoize({}, async function failing() {
      throw new RangeError("mine");
    });
    expect(await failureOf(failing())).to.be.instanceOf(RangeError);
    await cache.close();
  });
});
