import Router from "@koa/router";
import { expect } from "chai";
import { expectTypeOf } from "expect-type";
import Koa, { type Context, type Middleware, type Next } from "koa";
import {
  Cache,
  currentContext,
  runInRequestContext,
  tryCurrentContext,
  type CacheErrorCode,
  type CacheEvent,
  type CachedOptions,
  type Duration,
  type PageResult,
  type RequestContextError,
  type Wrapper,
} from "../src/index.js";

const cache = new Cache();

interface Post {
  readonly id: number;
  readonly title: string;
}

describe("the types of a cached function", () => {
  it("tell the callables of a handler of its response, those of a function of its result", () => {
    cache.cached(
      {
        keyPrefix: "view",
        timeout: (page, ctx) => {
          expectTypeOf(page).toEqualTypeOf<PageResult>();
          expectTypeOf(ctx).toEqualTypeOf<Context>();
          return page.status === 200 ? "1m" : 1;
        },
        shouldCache: (page) => page.status === 200,
        unless: (ctx) => ctx.path === "/",
        tags: (page) => [String(page.headers["x-tag"])],
      },
      async (ctx: Context, next: Next) => {
        ctx.body = "a";
        await next();
      },
    );
    cache.cached(
      {
        keyPrefix: "function",
        timeout: (post, id) => {
          expectTypeOf(post).toEqualTypeOf<Post>();
          expectTypeOf(id).toEqualTypeOf<number>();
          return 1;
        },
      },
      async (id: number): Promise<Post> => ({ id, title: "" }),
    );
    cache.cached({ keyPrefix: "any", timeout: (result) => result.seconds }, (_given: any) => ({
      seconds: 1,
    }));
    expect(true).to.equal(true);
  });

  it("keep the parameters and promise the result, once", () => {
    const sync = cache.cached({ keyPrefix: "a" }, (id: number, title?: string): Post => ({
      id,
      title: title ?? "",
    }));
    expectTypeOf(sync).parameters.toEqualTypeOf<[id: number, title?: string | undefined]>();
    expectTypeOf(sync).returns.toEqualTypeOf<Promise<Post>>();
    const async = cache.cached({ keyPrefix: "b" }, async (...ids: number[]): Promise<Post[]> =>
      ids.map((id) => ({ id, title: "" })),
    );
    expectTypeOf(async).parameters.toEqualTypeOf<number[]>();
    expectTypeOf(async).returns.toEqualTypeOf<Promise<Post[]>>();
    const none = cache.cached({}, () => undefined);
    expectTypeOf(none).returns.toEqualTypeOf<Promise<undefined>>();
    const later = cache.cached({ keyPrefix: "c" })(async (id: number) => `${id}`);
    expectTypeOf(later).parameters.toEqualTypeOf<[id: number]>();
    expectTypeOf(later).returns.toEqualTypeOf<Promise<string>>();
  });

  it("keep this", () => {
    const wrapped = cache.cached({}, function named(this: Post, loud: boolean) {
      return loud ? this.title.toUpperCase() : this.title;
    });
    expectTypeOf(wrapped).thisParameter.toEqualTypeOf<Post>();
    expectTypeOf(wrapped.call<Post, [boolean], Promise<string>>).returns.toEqualTypeOf<
      Promise<string>
    >();
    // @ts-expect-error -- there is no Post to call it on
    void (() => wrapped(true));
  });

  it("refuse wrong arguments", () => {
    const wrapped = cache.cached({}, (id: number) => id);
    void (() => {
      // @ts-expect-error -- a text is no number
      void wrapped("1");
      // @ts-expect-error -- an argument is missing
      void wrapped();
      // @ts-expect-error -- one argument too many
      void wrapped(1, 2);
    });
  });

  it("give the attributes (P5)", () => {
    const original = async (id: number): Promise<Post> => ({ id, title: "" });
    const wrapped = cache.cached({}, original);
    expectTypeOf(wrapped.uncached).toEqualTypeOf<typeof original>();
    expectTypeOf(wrapped.makeCacheKey).toEqualTypeOf<(id: number) => string | Promise<string>>();
    expectTypeOf(wrapped.invalidate).toEqualTypeOf<(id: number) => Promise<boolean>>();
    expectTypeOf(wrapped.refresh).toEqualTypeOf<(id: number) => Promise<Post>>();
    wrapped.cacheTimeout = "5m";
    wrapped.cacheTimeout = 0;
    wrapped.cacheTimeout = (post: Post, id: number) => post.id + id;
    wrapped.makeCacheKey = (id) => `post:${id}`;
    wrapped.uncached = original;
    expectTypeOf(wrapped).toExtend<Wrapper<typeof original>>();
    // @ts-expect-error -- a unit is missing
    void (() => (wrapped.cacheTimeout = "5"));
    // @ts-expect-error -- a key is text
    void (() => (wrapped.makeCacheKey = () => 7));
    // @ts-expect-error -- it cannot be replaced
    void (() => (wrapped.invalidate = async () => true));
  });

  it("know the function in every callable", () => {
    const original = async (id: number, lang: string): Promise<Post> => ({ id, title: lang });
    cache.cached(
      {
        timeout: (post, id, lang) => (post.title === lang ? id : "1m"),
        keyPrefix: (id, lang) => `${id.toFixed()}:${lang}`,
        makeCacheKey: async (id, lang) => `${id.toFixed()}:${lang}`,
        unless: (id, lang) => id > 0 && lang === "",
        forcedUpdate: (id) => id === 7,
        isStale: (post, id) => post.id !== id,
        shouldCache: (post) => post.title,
        tags: (post, id) => [`post:${post.id}`, `id:${id}`],
      },
      original,
    );
    expectTypeOf<
      NonNullable<CachedOptions<typeof original>["shouldCache"]>
    >().parameters.toEqualTypeOf<[result: Post, id: number, lang: string]>();
    void (() => {
      // @ts-expect-error -- a post has no name
      cache.cached({ shouldCache: (post) => post.name }, original);
      // @ts-expect-error -- a key is text
      cache.cached({ keyPrefix: (id) => id }, original);
    });
  });

  it("refuse options that do not exist, and values that an option cannot have", () => {
    void (() => {
      // @ts-expect-error -- misspelt
      cache.cached({ timeuot: 5 });
      // @ts-expect-error -- of memoize() only
      cache.cached({ argsKey: () => 1 });
      // @ts-expect-error -- of cached() only
      cache.memoize({ keyPrefix: "x" });
      // @ts-expect-error -- an unknown unit
      cache.cached({ timeout: "5 minutes" });
      // @ts-expect-error -- no callable
      cache.cached({ unless: true });
      // @ts-expect-error -- no function
      cache.cached({}, 7);
      // @ts-expect-error -- misspelt
      return new Cache({ timeot: 5 });
    });
  });
});

describe("the types of decorators", () => {
  it("accept methods that give a promise, and leave their type as it is", () => {
    class Posts {
      @cache.cached({ keyPrefix: "types/list" })
      async list(from: number): Promise<Post[]> {
        return [{ id: from, title: "" }];
      }
      @cache.cached({ keyPrefix: "types/all" })
      static async all(): Promise<Post[]> {
        return [];
      }
      @cache.memoize({ name: "types/one" })
      async one(id: number): Promise<Post> {
        return { id, title: "" };
      }
    }
    expectTypeOf<Posts["list"]>().toEqualTypeOf<(from: number) => Promise<Post[]>>();
    expectTypeOf(Posts.all).toEqualTypeOf<() => Promise<Post[]>>();
    expectTypeOf<Posts["one"]>().toEqualTypeOf<(id: number) => Promise<Post>>();
  });

  it("refuse a method that is not asynchronous, and what is no method", () => {
    class Wrong {
      // @ts-expect-error -- the wrapper gives a promise, which the method does not
      @cache.cached({ keyPrefix: "types/sync" })
      sync(): number {
        return 1;
      }
      // @ts-expect-error -- the same for memoize
      @cache.memoize({ name: "types/memoized" })
      memoized(id: number): number {
        return id;
      }
    }
    expect(Wrong).to.be.a("function");
    expect(() => {
      class Getter {
        // @ts-expect-error -- a getter is no method
        @cache.cached({})
        get value(): number {
          return 1;
        }
      }
      return Getter;
    }).to.throw(TypeError);
  });
});

describe("the types of values by key", () => {
  it("are what the caller says, and may be absent", () => {
    expectTypeOf(cache.get).returns.toEqualTypeOf<Promise<unknown>>();
    expectTypeOf(cache.get<Post>("a")).toEqualTypeOf<Promise<Post | undefined>>();
    expectTypeOf(cache.getMany<number>(["a"])).toEqualTypeOf<Promise<(number | undefined)[]>>();
    expectTypeOf(cache.getDict<number>(["a"])).toEqualTypeOf<Promise<Map<string, number>>>();
    expectTypeOf(cache.set("a", 1)).toEqualTypeOf<Promise<void>>();
    expectTypeOf(cache.add("a", 1)).toEqualTypeOf<Promise<boolean>>();
    expectTypeOf(cache.has("a")).toEqualTypeOf<Promise<boolean>>();
    expectTypeOf(cache.delete("a")).toEqualTypeOf<Promise<boolean>>();
    expectTypeOf(cache.deleteMany(["a"])).toEqualTypeOf<Promise<boolean[]>>();
    expectTypeOf(cache.clear()).toEqualTypeOf<Promise<void>>();
    expectTypeOf(cache.fetch("b", {}, async () => 7)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(cache.fetch("b", {}, () => 7)).toEqualTypeOf<Promise<number>>();
  });

  it("refuse keys that are no text and lists that are none", () => {
    void (() => {
      // @ts-expect-error -- a key is text
      void cache.get(7);
      // @ts-expect-error -- a list of keys is one argument
      void cache.getMany("a", "b");
      // @ts-expect-error -- no duration
      void cache.set("a", 1, "soon");
    });
  });
});

describe("the types of the request context", () => {
  it("are Koa's", () => {
    expectTypeOf(currentContext).returns.toEqualTypeOf<Context>();
    expectTypeOf(tryCurrentContext).returns.toEqualTypeOf<Context | undefined>();
    expectTypeOf(cache.middleware()).toEqualTypeOf<Middleware>();
    expectTypeOf(runInRequestContext("/", () => 7)).toEqualTypeOf<number>();
    expectTypeOf(runInRequestContext("/", async () => 7)).toEqualTypeOf<Promise<number>>();
    expectTypeOf<Context["cache"]>().toEqualTypeOf<Cache>();
  });

  it("fit applications and routers with a state and a context of their own", () => {
    interface State {
      readonly user: string;
    }
    interface Custom {
      log(): void;
    }
    const app = new Koa<State, Custom>();
    cache.initApp(app);
    app.use(cache.middleware());
    app.use((ctx) => {
      expectTypeOf(runInRequestContext(ctx, () => ctx.state.user)).toEqualTypeOf<string>();
      expectTypeOf(ctx.cache).toEqualTypeOf<Cache>();
    });
    const router = new Router<State, Custom>();
    router.use(cache.middleware());
    router.get("/", (ctx) => {
      expectTypeOf(runInRequestContext(ctx, () => 7)).toEqualTypeOf<number>();
      expectTypeOf(ctx.cache).toEqualTypeOf<Cache>();
    });
    app.use(router.routes());
  });
});

describe("other types", () => {
  it("name durations, events and error codes", () => {
    expectTypeOf<5>().toExtend<Duration>();
    expectTypeOf<"1.5h">().toExtend<Duration>();
    expectTypeOf<"5">().not.toExtend<Duration>();
    expectTypeOf<CacheEvent["error"]>().toEqualTypeOf<Error | undefined>();
    expectTypeOf<RequestContextError["code"]>().toExtend<CacheErrorCode>();
    cache.on("hit", ({ key, age }) => [key, age]);
    // @ts-expect-error -- no such event
    void (() => cache.on("hits", () => undefined));
  });
});
