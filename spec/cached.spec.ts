import { setImmediate as immediate } from "node:timers/promises";
import { expect } from "chai";
import {
  Cache,
  OptionError,
  RequestContextError,
  currentContext,
  runInRequestContext,
} from "../src/index.js";
import { stopClock } from "./support/clock.js";
import { counting, failureOf } from "./support/computation.js";

/** Calls a function while a path is served. */
function at<T>(path: string, run: () => T): T {
  return runInRequestContext(path, run);
}

describe("a cached function", () => {
  describe("in time", () => {
    const clock = stopClock();

    it("runs once a path within its timeout, and again after it (C04, C06, K044, K165)", async () => {
      const count = new Cache().cached({ timeout: 2 }, counting());
      expect(await at("/a", () => count())).to.equal(1);
      clock.jump(1.999);
      expect(await at("/a", () => count())).to.equal(1);
      clock.jump(0.001);
      expect(await at("/a", () => count())).to.equal(2);
    });

    it("with a key of its own runs once for all paths (C06)", async () => {
      const count = new Cache().cached({ timeout: 2, keyPrefix: "MyBits" }, counting());
      expect([await at("/a", () => count()), await at("/b", () => count())]).to.deep.equal([1, 1]);
      clock.jump(2);
      expect(await at("/c", () => count())).to.equal(2);
    });
  });

  it("gives a promise, also where the function does not", async () => {
    const cache = new Cache();
    const sync = cache.cached({ keyPrefix: "sync" }, () => 7);
    const given = at("/", () => sync());
    expect(given).to.be.instanceOf(Promise);
    expect(await given).to.equal(7);
    expect(at("/", () => sync())).to.be.instanceOf(Promise);
  });

  it("keeps its name, its length and what the call passes (K146)", async () => {
    const wrapped = new Cache().cached(
      {},
      async function named(this: unknown, a: number, b: string) {
        return { a, b, self: this };
      },
    );
    expect([wrapped.name, wrapped.length]).to.deep.equal(["named", 2]);
    const self = { me: 1 };
    expect(await at("/", () => wrapped.call(self, 1, "b"))).to.deep.equal({ a: 1, b: "b", self });
  });

  it("is not run at all where a value was set under its key", async () => {
    const cache = new Cache();
    await cache.set("view//a", "put there");
    const never = cache.cached({}, async function never(): Promise<string> {
      throw new Error("ran");
    });
    expect(await at("/a", () => never())).to.equal("put there");
  });

  it("stores undefined, null, false, 0 and the empty text like any other value (K048, K049, K123, K124)", async () => {
    for (const value of [undefined, null, false, 0, "", Number.NaN]) {
      const cache = new Cache();
      let runs = 0;
      const nothing = cache.cached({ keyPrefix: "nothing" }, async () => {
        runs += 1;
        return value;
      });
      await at("/", async () => {
        expect(await nothing()).to.deep.equal(value);
        expect(await nothing()).to.deep.equal(value);
      });
      expect(runs).to.equal(1);
      expect(await cache.has("nothing")).to.equal(true);
    }
  });

  it("gives each caller a value of his own, on a miss and on a hit", async () => {
    const list = new Cache().cached({}, async () => [1, 2, 3]);
    await at("/", async () => {
      const first = await list();
      first.push(4);
      const second = await list();
      second.push(5);
      expect(await list()).to.deep.equal([1, 2, 3]);
    });
  });

  it("never stores a failure, and leaves the error as it is", async () => {
    const cache = new Cache();
    const failure = new Error("mine");
    let runs = 0;
    const failing = cache.cached({}, async () => {
      runs += 1;
      throw failure;
    });
    await at("/", async () => {
      expect(await failureOf(failing())).to.equal(failure);
      expect(await failureOf(failing())).to.equal(failure);
    });
    expect(runs).to.equal(2);
    expect(await cache.has("view//")).to.equal(false);
  });

  it("rejects, and does not throw, where the function throws at once", async () => {
    const failure = new Error("at once");
    const failing = new Cache().cached({}, (): number => {
      throw failure;
    });
    expect(await at("/", () => failureOf(failing()))).to.equal(failure);
  });

  it("returns what cannot be stored, and runs again next time (K055, K060)", async () => {
    const cache = new Cache();
    const errors: unknown[] = [];
    cache.on("error", ({ error }) => errors.push(error));
    let runs = 0;
    const items = cache.cached({}, function items() {
      runs += 1;
      return (function* generate() {
        yield "item";
      })();
    });
    await at("/", async () => {
      expect([...(await items())]).to.deep.equal(["item"]);
      expect([...(await items())]).to.deep.equal(["item"]);
    });
    expect(runs).to.equal(2);
    expect(errors).to.have.length(2);
    expect(errors[0]).to.include({ name: "NotCarriableError", code: "ERR_NOT_CARRIABLE" });
  });
});

describe("a cached function's key", () => {
  it("is view/<path> by default, where other code finds the value (C20, K173)", async () => {
    const cache = new Cache();
    const count = cache.cached({}, counting());
    await at("/posts?page=2", async () => {
      await count();
      expect(await count.makeCacheKey()).to.equal("view//posts");
    });
    expect(await cache.get("view//posts")).to.equal(1);
  });

  it("ignores the query and the arguments", async () => {
    const count = new Cache().cached({}, async (argument: number) => argument);
    expect(await at("/posts?page=1", () => count(1))).to.equal(1);
    expect(await at("/posts?page=2", () => count(2))).to.equal(1);
  });

  it("has every %s replaced by the path, whatever the path contains", async () => {
    const count = new Cache().cached({ keyPrefix: "a/%s/b/%s" }, counting());
    for (const path of ["/x", "/$&/$1", "/%s"]) {
      expect(await at(path, () => count.makeCacheKey())).to.equal(`a/${path}/b/${path}`);
    }
  });

  it("without %s is used as it is, percent signs included", async () => {
    const count = new Cache().cached({ keyPrefix: "100%d" }, counting());
    expect(await at("/x", () => count.makeCacheKey())).to.equal("100%d");
  });

  it("tells paths apart that differ in case, encoding or slashes", async () => {
    const count = new Cache().cached({}, counting());
    const paths = ["/a", "/A", "/a/", "//a", "/%61", "/"];
    const values = [];
    for (const path of paths) values.push(await at(path, () => count()));
    expect(new Set(values).size).to.equal(paths.length);
  });

  it("is what a callable gives, which is called with the arguments and this, and may be asynchronous", async () => {
    const cache = new Cache();
    const self = { tenant: "acme" };
    const options = {
      async keyPrefix(this: unknown, ...args: number[]) {
        await immediate();
        return `${(this as typeof self).tenant}:${args.join("+")}`;
      },
    };
    const sum = cache.cached(options, async function sum(...args: number[]) {
      return args.reduce((left, right) => left + right);
    });
    expect(await at("/", () => sum.call(self, 1, 2))).to.equal(3);
    expect(await cache.get("acme:1+2")).to.equal(3);
  });

  it("that a callable gives needs no path, but a request all the same", async () => {
    const count = new Cache().cached({ keyPrefix: () => "constant" }, counting());
    expect(await failureOf(count())).to.be.instanceOf(RequestContextError);
    expect(await at("/", () => count())).to.equal(1);
  });

  it("may be asked of the request being served", async () => {
    const count = new Cache().cached(
      { keyPrefix: () => `lang:${currentContext().query["lang"] as string}` },
      counting(),
    );
    expect(await at("/?lang=de", () => count())).to.equal(1);
    expect(await at("/?lang=en", () => count())).to.equal(2);
    expect(await at("/other?lang=de", () => count())).to.equal(1);
  });

  for (const key of [undefined, null, 7, "", true, Symbol("key")]) {
    it(`must be text: a callable that gives ${String(key)} rejects the call with a TypeError`, async () => {
      const cache = new Cache();
      for (const options of [{ keyPrefix: () => key }, { makeCacheKey: () => key }]) {
        const count = cache.cached(options as never, counting());
        const error = await at("/", () => failureOf(count()));
        expect(error)
          .to.be.instanceOf(TypeError)
          .with.property("message")
          .that.matches(/of count must give a non-empty text/);
      }
    });
  }

  it("must be writable: keyPrefix is refused where it is neither text nor a function", () => {
    for (const keyPrefix of ["", 7, null, true, {}, []]) {
      expect(() => new Cache().cached({ keyPrefix } as never)).to.throw(
        OptionError,
        /^keyPrefix must be/,
      );
    }
    expect(() => new Cache().cached({ makeCacheKey: "key" } as never)).to.throw(
      OptionError,
      /^makeCacheKey must be a function/,
    );
  });

  it("is made by makeCacheKey alone where that is given (K180)", async () => {
    const cache = new Cache();
    const search = cache.cached(
      { keyPrefix: "unused", makeCacheKey: (body: { text: string }) => `search:${body.text}` },
      async (body: { text: string }) => body.text.length,
    );
    expect(await at("/", () => search({ text: "koa" }))).to.equal(3);
    expect(await at("/other", () => search({ text: "koa" }))).to.equal(3);
    expect(await cache.get("search:koa")).to.equal(3);
    expect(await at("/", () => search.makeCacheKey({ text: "koa" }))).to.equal("search:koa");
    expect(await at("/", () => cache.has("unused"))).to.equal(false);
  });

  it("is the same for another function that is asked within the same request (K172, K189)", async () => {
    const cache = new Cache();
    const [one, two] = [
      cache.cached({}, counting()),
      cache.cached({ keyPrefix: "two/%s" }, counting()),
    ];
    const within = at("/a", () => two.makeCacheKey());
    expect(within).to.equal("two//a");
    await at("/a", async () => {
      await one();
      expect(await two.makeCacheKey()).to.equal(within);
    });
  });
});
