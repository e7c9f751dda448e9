import { AsyncLocalStorage } from "node:async_hooks";
import { EventEmitter, once } from "node:events";
import { Readable } from "node:stream";
import { setImmediate as immediate, setTimeout as delay } from "node:timers/promises";
import { expect } from "chai";
import type { Context } from "koa";
import {
  Cache,
  OptionError,
  RequestContextError,
  currentContext,
  runInRequestContext,
  tryCurrentContext,
} from "../../src/index.js";
import { currentRequest, pathOf, requestContext } from "../../src/request/context.js";
import { frames } from "../../src/scope.js";
import { koaContext } from "../support/koa-context.js";

const middleware = requestContext((_ctx, next) => next);

/** Serves a request by what stands beneath the middleware. */
function enter<T>(context: Context, next: () => Promise<T>): Promise<T> {
  return middleware(context, next);
}

describe("the request context", () => {
  it("is the Koa context within a request, and nothing outside of one", async () => {
    const context = koaContext({ url: "/posts" });
    await enter(context, async () => {
      expect(currentContext()).to.equal(context);
      expect(tryCurrentContext()).to.equal(context);
    });
    expect(tryCurrentContext()).to.equal(undefined);
    expect(() => currentContext()).to.throw(RequestContextError);
  });

  it("names both remedies where there is none", () => {
    expect(() => currentContext())
      .to.throw(RequestContextError)
      .that.satisfies(({ code, message }: RequestContextError) => {
        expect(code).to.equal("ERR_NO_REQUEST_CONTEXT");
        expect(message).to.match(/^currentContext\(\) was called outside of a request context/);
        expect(message).to.contain("cache.middleware()").and.contain("runInRequestContext(");
        return true;
      });
  });

  it("gives back what the middleware beneath gives, and what it throws", async () => {
    const failure = new Error("beneath");
    expect(await enter(koaContext(), async () => "given")).to.equal("given");
    const seen = await enter(koaContext(), () => Promise.reject(failure)).catch(
      (error: unknown) => error,
    );
    expect(seen).to.equal(failure);
  });

  describe("is kept", () => {
    const ways: readonly (readonly [string, () => Promise<unknown>])[] = [
      ["across await", () => Promise.resolve()],
      ["across a timer", () => delay(1)],
      ["across setImmediate", () => immediate()],
      ["across process.nextTick", () => new Promise<void>((next) => process.nextTick(next))],
      ["across queueMicrotask", () => new Promise<void>((next) => queueMicrotask(next))],
      ["across Promise.all", () => Promise.all([immediate(), delay(1)])],
    ];
    for (const [name, wait] of ways) {
      it(name, async () => {
        const context = koaContext();
        await enter(context, async () => {
          await wait();
          expect(currentContext()).to.equal(context);
        });
      });
    }

    it("in callbacks of timers", async () => {
      const context = koaContext();
      const seen = await runInRequestContext(
        context,
        () => new Promise((done) => void setTimeout(() => done(tryCurrentContext()), 1)),
      );
      expect(seen).to.equal(context);
    });

    it("in each branch of Promise.all", async () => {
      const context = koaContext();
      const look = async (): Promise<unknown> => {
        await immediate();
        return tryCurrentContext();
      };
      const seen = await runInRequestContext(context, () => Promise.all([look(), look(), look()]));
      expect(seen).to.deep.equal([context, context, context]);
    });

    it("in the events of a stream made within the request", async () => {
      const context = koaContext();
      const seen: unknown[] = [];
      await runInRequestContext(context, async () => {
        const stream = Readable.from(["a", "b"]);
        stream.on("data", () => seen.push(tryCurrentContext()));
        await once(stream, "end");
      });
      expect(seen).to.deep.equal([context, context]);
    });

    it("in async iteration", async () => {
      const context = koaContext();
      await runInRequestContext(context, async () => {
        for await (const chunk of Readable.from(["a"])) {
          expect(chunk).to.equal("a");
          expect(currentContext()).to.equal(context);
        }
      });
    });

    it("in listeners of an emitter that emits within the request", () => {
      const context = koaContext();
      const emitter = new EventEmitter();
      let seen: unknown;
      emitter.on("event", () => (seen = tryCurrentContext()));
      runInRequestContext(context, () => emitter.emit("event"));
      expect(seen).to.equal(context);
    });
  });

  it("is each request's own while many are served at the same time", async () => {
    const serve = async (number: number): Promise<void> => {
      const context = koaContext({ url: `/${number}` });
      await enter(context, async () => {
        await immediate();
        expect(currentContext()).to.equal(context);
        await delay(number % 3);
        expect(currentRequest()?.path).to.equal(`/${number}`);
      });
    };
    await Promise.all(Array.from({ length: 100 }, (_, number) => serve(number)));
    expect(tryCurrentContext()).to.equal(undefined);
  });

  it("does not outlive the request in the caller", async () => {
    await enter(koaContext(), async () => undefined);
    expect(frames.getStore()).to.equal(undefined);
  });

  it("is entered once a request, however often it is installed and by however many caches", async () => {
    const context = koaContext();
    const run = AsyncLocalStorage.prototype.run;
    let entered = 0;
    AsyncLocalStorage.prototype.run = function (
      this: AsyncLocalStorage<unknown>,
      ...args: never[]
    ) {
      entered += 1;
      return Reflect.apply(run, this, args);
    } as typeof run;
    try {
      const layers = [new Cache().middleware(), new Cache().middleware(), new Cache().middleware()];
      const descend = async (depth: number): Promise<void> => {
        const layer = layers[depth];
        if (layer === undefined) expect(currentContext()).to.equal(context);
        else await layer(context, () => descend(depth + 1));
      };
      await descend(0);
    } finally {
      AsyncLocalStorage.prototype.run = run;
    }
    expect(entered).to.equal(1);
  });

  it("is the inner one where a request is served within another", async () => {
    const outer = koaContext({ url: "/outer" });
    const inner = koaContext({ url: "/inner" });
    await enter(outer, async () => {
      await enter(inner, async () => expect(currentContext()).to.equal(inner));
      expect(currentContext()).to.equal(outer);
    });
  });

  it("is one for all copies of the library in a process", () => {
    const shared = globalThis as unknown as Record<symbol, unknown>;
    expect(shared[Symbol.for("koa-caching.frames.1")]).to.equal(frames);
  });
});

describe("runInRequestContext", () => {
  it("stands in for a request for a path, with its query", () => {
    const { path, query, method, originalUrl } = runInRequestContext(
      "/posts?page=2",
      currentContext,
    );
    expect({ path, query: { ...query }, method, originalUrl }).to.deep.equal({
      path: "/posts",
      query: { page: "2" },
      method: "GET",
      originalUrl: "/posts?page=2",
    });
  });

  it("takes a Koa context", () => {
    const context = koaContext({ url: "/posts" });
    expect(runInRequestContext(context, currentContext)).to.equal(context);
  });

  it("gives what the function gives: a value as a value, a promise as a promise", async () => {
    expect(runInRequestContext("/", () => 7)).to.equal(7);
    expect(await runInRequestContext("/", async () => 8)).to.equal(8);
  });

  it("throws what the function throws, and leaves the context", () => {
    const failure = new Error("within");
    const run = (): never => {
      throw failure;
    };
    expect(() => runInRequestContext("/", run)).to.throw(failure);
    expect(tryCurrentContext()).to.equal(undefined);
  });

  it("can be nested; the inner one counts", () => {
    runInRequestContext("/a", () => {
      runInRequestContext("/b", () => expect(currentContext().path).to.equal("/b"));
      expect(currentContext().path).to.equal("/a");
    });
  });

  for (const wrong of ["posts", "", "?page=2", undefined, null, 7, {}]) {
    it(`refuses ${JSON.stringify(wrong) ?? "undefined"} for a path`, () => {
      expect(() => runInRequestContext(wrong as never, () => 1)).to.throw(
        OptionError,
        /takes a path that starts with "\/".* or a Koa context; got/,
      );
    });
  }

  it("refuses what is not a function", () => {
    expect(() => runInRequestContext("/", 7 as never)).to.throw(
      OptionError,
      /runs a function; got 7/,
    );
  });
});

describe("the path of a request", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["/posts", "/posts"],
    ["/posts?page=2", "/posts"],
    ["/posts?", "/posts"],
    ["/a?b?c", "/a"],
    ["//double//slashes", "//double//slashes"],
    ["/%2Fencoded%20", "/%2Fencoded%20"],
    ["http://example.com/posts?page=2", "/posts"],
    ["https://example.com:8080/", "/"],
    ["http://example.com", "/"],
    ["http://example.com?page=2", "/"],
    ["*", "*"],
    ["/", "/"],
  ];
  for (const [target, path] of cases) {
    it(`of ${target} is ${path}`, () => expect(pathOf(target)).to.equal(path));
  }

  it("is the one the client sent, although it is rewritten afterwards", async () => {
    const context = koaContext({ url: "/sent?a=1" });
    await enter(context, async () => {
      context.path = "/rewritten";
      expect(currentRequest()?.path).to.equal("/sent");
    });
    await enter(context, async () => expect(currentRequest()?.path).to.equal("/sent"));
  });
});
