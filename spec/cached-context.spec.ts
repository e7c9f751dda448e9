import { expect } from "chai";
import { Cache, KeyConflictError, RequestContextError, runInRequestContext } from "../src/index.js";
import { counting, deferred, failureOf, settled } from "./support/computation.js";
import { koaContext } from "./support/koa-context.js";

/** Calls a function while a path is served. */
function at<T>(path: string, run: () => T): T {
  return runInRequestContext(path, run);
}

describe("the rule of the request context", () => {
  it("holds for every key: outside of a request the call rejects and runs nothing", async () => {
    const cache = new Cache();
    let runs = 0;
    const run = async function sidebar(): Promise<number> {
      runs += 1;
      return runs;
    };
    for (const options of [
      {},
      { keyPrefix: "fixed" },
      { keyPrefix: () => "made" },
      { makeCacheKey: () => "made" },
      { forcedUpdate: () => true },
    ]) {
      const sidebar = cache.cached(options, run);
      for (const call of [() => sidebar(), () => sidebar.refresh()]) {
        const error = await failureOf(call());
        expect(error)
          .to.be.instanceOf(RequestContextError)
          .with.property("code", "ERR_NO_REQUEST_CONTEXT");
        expect((error as Error).message).to.match(
          /^The cached function sidebar\(\) was called outside of a request/,
        );
        expect((error as Error).message)
          .to.contain("cache.middleware()")
          .and.contain("runInRequestContext(");
      }
    }
    expect(runs).to.equal(0);
  });

  it("holds although the value is there already", async () => {
    const count = new Cache().cached({ keyPrefix: "fixed" }, counting());
    await at("/", async () => {
      await count();
      await count();
      await count();
    });
    expect(await failureOf(count())).to.be.instanceOf(RequestContextError);
  });

  it("is asked after unless: a bypassed call needs no request (C05)", async () => {
    const count = new Cache().cached({ unless: () => true }, counting());
    expect([await count(), await count()]).to.deep.equal([1, 2]);
    const asked: string[] = [];
    const refused = new Cache().cached(
      { unless: () => void asked.push("unless"), forcedUpdate: () => asked.push("forcedUpdate") },
      counting(),
    );
    expect(await failureOf(refused())).to.be.instanceOf(RequestContextError);
    expect(asked).to.deep.equal(["unless"]);
  });

  it("does not hold for a key of fixed text that is deleted or asked for", async () => {
    const cache = new Cache();
    const count = cache.cached({ keyPrefix: "fixed" }, counting());
    await at("/", () => count());
    expect(await count.makeCacheKey()).to.equal("fixed");
    expect(await cache.deleteCached(count)).to.equal(true);
    const byPath = cache.cached({}, counting());
    expect(await failureOf(cache.deleteCached(byPath))).to.be.instanceOf(RequestContextError);
    expect(() => byPath.makeCacheKey()).to.throw(RequestContextError);
  });

  it("takes a call with another context first for a plain one", async () => {
    const cache = new Cache();
    const view = cache.cached({ keyPrefix: "view" }, async function view(context?: unknown) {
      return typeof context;
    });
    await at("/", async () => {
      expect(await view(koaContext())).to.equal("object");
    });
  });
});

describe("two functions under the default key", () => {
  it("never share a value: the second one runs uncached, and an error names both", async () => {
    const cache = new Cache();
    const errors: unknown[] = [];
    cache.on("error", ({ error }) => errors.push(error));
    const header = cache.cached({}, async function header() {
      return "header";
    });
    let runs = 0;
    const footer = cache.cached({}, async function footer() {
      runs += 1;
      return "footer";
    });
    await at("/", async () => {
      expect([await header(), await footer(), await header(), await footer()]).to.deep.equal([
        "header",
        "footer",
        "header",
        "footer",
      ]);
    });
    expect(runs).to.equal(2);
    expect(errors).to.have.length(2);
    expect(errors[0])
      .to.be.instanceOf(KeyConflictError)
      .and.include({ code: "ERR_KEY_CONFLICT", key: "view//" });
    expect((errors[0] as Error).message).to.match(
      /header#1 and footer#1 .*footer#1 runs uncached\. Give one a keyPrefix\./,
    );
  });

  it("do not wait for each other either", async () => {
    const cache = new Cache();
    cache.on("error", () => undefined);
    const gate = deferred();
    const slow = cache.cached({}, async function slow() {
      await gate.promise;
      return "slow";
    });
    const quick = cache.cached({}, async () => "quick");
    await at("/", async () => {
      const waiting = slow();
      await settled();
      expect(await quick()).to.equal("quick");
      gate.resolve();
      expect(await waiting).to.equal("slow");
    });
  });

  it("are told apart by their number where they have one name", async () => {
    const cache = new Cache();
    const errors: string[] = [];
    cache.on("error", ({ error }) => errors.push(error!.message));
    const [one, two] = [cache.cached({}, async () => 1), cache.cached({}, async () => 2)];
    await at("/", async () => expect([await one(), await two()]).to.deep.equal([1, 2]));
    expect(errors[0]).to.match(/anonymous#1 and anonymous#2/);
  });

  it("throw in strict mode", async () => {
    const cache = new Cache({ strict: true });
    const [one, two] = [cache.cached({}, async () => 1), cache.cached({}, async () => 2)];
    await at("/", async () => {
      await one();
      expect(await failureOf(two())).to.be.instanceOf(KeyConflictError);
    });
  });

  it("do not meet on different paths, nor after the first one's entry is gone", async () => {
    const cache = new Cache();
    const errors: unknown[] = [];
    cache.on("error", ({ error }) => errors.push(error));
    const [one, two] = [cache.cached({}, async () => 1), cache.cached({}, async () => 2)];
    await at("/a", () => one());
    await at("/b", () => two());
    expect(await cache.deleteCached(two, "/a")).to.equal(true);
    expect(await at("/a", () => two())).to.equal(2);
    expect(errors).to.deep.equal([]);
  });

  it("may share a key that was written, or made, on purpose", async () => {
    const cache = new Cache();
    const errors: unknown[] = [];
    cache.on("error", ({ error }) => errors.push(error));
    for (const options of [
      { keyPrefix: "shared" },
      { keyPrefix: () => "made" },
      { makeCacheKey: () => "custom" },
    ]) {
      const [one, two] = [
        cache.cached(options, async () => 1),
        cache.cached(options, async () => 2),
      ];
      await at("/", async () => expect([await one(), await two()]).to.deep.equal([1, 1]));
    }
    expect(errors).to.deep.equal([]);
  });
});
