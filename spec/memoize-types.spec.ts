// The types of memoized functions, checked by the compiler.
import { expectTypeOf } from "expect-type";
import {
  Cache,
  cachingId,
  type Duration,
  type ManyWrapper,
  type Memoized,
  type MemoizeManyOptions,
  type MemoizeOptions,
} from "../src/index.js";

const cache = new Cache();

interface User {
  readonly id: number;
  readonly name: string;
}

async function getUser(id: number, lang?: string): Promise<User> {
  return { id, name: lang ?? "" };
}

describe("the types of a memoized function", () => {
  it("keep the parameters and promise the result, in both forms", () => {
    const one = cache.memoize({ name: "types one" }, getUser);
    const two = cache.memoize({ name: "types two" })(getUser);
    const sync = cache.memoize({ name: "types sync" }, (id: number) => `${id}`);
    expectTypeOf(one).parameters.toEqualTypeOf<[id: number, lang?: string | undefined]>();
    expectTypeOf(one).returns.toEqualTypeOf<Promise<User>>();
    expectTypeOf(two).parameters.toEqualTypeOf<[id: number, lang?: string | undefined]>();
    expectTypeOf(two).returns.toEqualTypeOf<Promise<User>>();
    expectTypeOf(sync).returns.toEqualTypeOf<Promise<string>>();
    expectTypeOf(one).toEqualTypeOf<Memoized<typeof getUser>>();
  });

  it("keep this", () => {
    const f = cache.memoize({ name: "types this" }, function f(this: User, loud: boolean) {
      return loud ? this.name : "";
    });
    expectTypeOf(f).thisParameter.toEqualTypeOf<User>();
    // @ts-expect-error -- there is no User to call it on
    void (() => f(true));
  });

  it("give the attributes (P5)", () => {
    const f = cache.memoize({ name: "types attributes" }, getUser);
    expectTypeOf(f.uncached).toEqualTypeOf<typeof getUser>();
    expectTypeOf(f.makeCacheKey).parameters.toEqualTypeOf<Parameters<typeof getUser>>();
    expectTypeOf(f.invalidate).toEqualTypeOf<
      (...call: Parameters<typeof getUser>) => Promise<boolean>
    >();
    expectTypeOf(f.refresh).returns.toEqualTypeOf<Promise<User>>();
    expectTypeOf(f.deleteMemoized).toEqualTypeOf<() => Promise<void>>();
    expectTypeOf<Duration>().toExtend<typeof f.cacheTimeout>();
    f.cacheTimeout = (user, id) => user.id + id;
    // @ts-expect-error -- a unit is missing
    void (() => (f.cacheTimeout = "5"));
    // @ts-expect-error -- it cannot be replaced
    void (() => (f.deleteMemoized = async () => undefined));
  });

  it("know the function in every callable", () => {
    cache.memoize(
      {
        name: "types callables",
        makeName: (name) => name.toUpperCase(),
        timeout: (user, id, lang) => (user.name === lang ? id : "1m"),
        unless: (id, lang) => id.toFixed() === lang,
        forcedUpdate: (id) => id === 7,
        isStale: (user, id) => user.id !== id,
        shouldCache: async (user) => user.name,
        tags: async (user, id) => [`user:${user.name}`, `id:${id.toFixed()}`],
        argsKey: (id, lang) => [id.toFixed(), lang?.length],
        makeCacheKey: async (id, lang) => `${id.toFixed()}:${lang}`,
      },
      getUser,
    );
    type Tags = Exclude<
      MemoizeOptions<typeof getUser>["tags"],
      string | readonly string[] | undefined
    >;
    expectTypeOf<Tags>().parameters.toEqualTypeOf<
      [result: User, id: number, lang?: string | undefined]
    >();
    void (() => {
      // @ts-expect-error -- a user has no age
      cache.memoize({ shouldCache: (user) => user.age }, getUser);
      // @ts-expect-error -- a name is text
      cache.memoize({ makeName: (name) => name.length }, getUser);
      // @ts-expect-error -- a key is text
      cache.memoize({ makeCacheKey: (id) => id }, getUser);
      // @ts-expect-error -- tags are names
      cache.memoize({ tags: (user) => [user.id] }, getUser);
      // @ts-expect-error -- misspelt
      cache.memoize({ argKey: () => 1 }, getUser);
      // @ts-expect-error -- of cached() only
      cache.memoize({ keyPrefix: "x" }, getUser);
    });
  });
});

describe("the types of a memoized method", () => {
  it("are the method's own, and memoized() adds the attributes", () => {
    class Users {
      [cachingId](): number {
        return 1;
      }
      @cache.memoize({ name: "Users.load", timeout: "5m" })
      async load(id: number, lang?: string): Promise<User> {
        return getUser(id, lang);
      }
      @cache.memoize({ name: "Users.all" })
      static async all(): Promise<User[]> {
        return [];
      }
    }
    expectTypeOf<Users["load"]>().toEqualTypeOf<(id: number, lang?: string) => Promise<User>>();
    expectTypeOf(Users.all).toEqualTypeOf<() => Promise<User[]>>();
    const load = cache.memoized(Users.prototype.load);
    expectTypeOf(load).toEqualTypeOf<Memoized<Users["load"]>>();
    expectTypeOf(load.invalidate).parameters.toEqualTypeOf<
      [id: number, lang?: string | undefined]
    >();
    void (() => cache.deleteMemoized(new Users().load));
    void (() => cache.deleteMemoized(Users.prototype.load));
    void (() => cache.deleteMemoized(Users.all));
  });

  it("refuse what gives no promise", () => {
    void (() => {
      class Wrong {
        // @ts-expect-error -- the wrapper gives a promise, which the method does not
        @cache.memoize()
        sync(id: number): number {
          return id;
        }
      }
      return Wrong;
    });
  });
});

describe("the types of forgetting", () => {
  it("tell whether one call was stored, and nothing about all", () => {
    const f = cache.memoize({ name: "types forget" }, getUser);
    void (async () => {
      expectTypeOf(await cache.deleteMemoized(f)).toEqualTypeOf<void>();
      expectTypeOf(await cache.deleteMemoized("types forget")).toEqualTypeOf<void>();
      expectTypeOf(await cache.deleteMemoized(f, 1, "de")).toEqualTypeOf<boolean>();
      expectTypeOf(await cache.deleteMemoizedVerhash(f)).toEqualTypeOf<void>();
      expectTypeOf(await cache.invalidateTags("a", "b")).toEqualTypeOf<void>();
    });
    void (() => {
      // @ts-expect-error -- tags are names
      void cache.invalidateTags(1);
      // @ts-expect-error -- no function
      void cache.deleteMemoized(5);
    });
  });
});

describe("the types of memoizeMany()", () => {
  it("know ids and values", () => {
    const users = cache.memoizeMany({ timeout: "5m" }, async function typedUsers(ids: number[]) {
      return new Map(ids.map((id): [number, User] => [id, { id, name: "" }]));
    });
    expectTypeOf(users).toEqualTypeOf<ManyWrapper<number, User>>();
    expectTypeOf(users).parameters.toEqualTypeOf<[ids: readonly number[]]>();
    expectTypeOf(users).returns.toEqualTypeOf<Promise<Map<number, User | undefined>>>();
    expectTypeOf(users.invalidate).toEqualTypeOf<(...ids: number[]) => Promise<boolean[]>>();
    expectTypeOf(users.refresh).returns.toEqualTypeOf<Promise<Map<number, User | undefined>>>();
    expectTypeOf(users.makeCacheKey).parameters.toEqualTypeOf<[id: number]>();
    void (() => cache.deleteMemoized(users, 1));
    // @ts-expect-error -- ids are numbers
    void (() => users(["1"]));
  });

  it("ask callables about each id, and those of the call about all", () => {
    type Options = MemoizeManyOptions<number, User>;
    const options: Options = {
      tags: (user, id) => [`user:${user.name}:${id.toFixed()}`],
      timeout: (user, id) => user.id + id,
      isStale: (user, id) => user.id !== id,
      shouldCache: (user) => user.name,
      argsKey: (id) => id.toFixed(),
      unless: (ids) => ids.length > 100,
      forcedUpdate: (ids) => ids.includes(1),
      storeAbsent: true,
    };
    expectTypeOf(options).toExtend<Options>();
    expectTypeOf<Options>().not.toHaveProperty("makeCacheKey");
    // @ts-expect-error -- it would be asked about no call in particular
    const wrong: Options = { makeCacheKey: (id: number) => `${id}` };
    expectTypeOf(wrong).toExtend<Options>();
  });
});
