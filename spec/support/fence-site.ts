// Functions of every kind whose computations can be held up, and every way to forget them.
import { Cache, cachingId, runInRequestContext, type CacheOptions } from "../../src/index.js";
import { deferred, type Deferred } from "./computation.js";

/** What can be called, and how its results are forgotten; `process` ways are fenced in one process alone. */
export const WAYS: Readonly<Record<string, { everywhere: string[]; process: string[] }>> = {
  plain: { everywhere: ["function", "version", "clear"], process: ["key", "call", "deletion"] },
  tagged: { everywhere: ["tag", "clear"], process: [] },
  named: { everywhere: ["clear"], process: ["name"] },
  method: { everywhere: ["instance", "instance version", "methods", "clear"], process: [] },
  outer: { everywhere: ["function", "version", "clear"], process: [] },
  many: { everywhere: ["many", "clear"], process: ["id"] },
  cached: { everywhere: ["tag", "clear"], process: ["path"] },
};

/** Ways that a caller cannot know of before the computation that he joins has ended. */
export function isHidden(name: string, way: string): boolean {
  return (name === "outer" && way !== "clear") || way === "name";
}

/** A cache with functions, as one process has it. */
export class FenceSite {
  readonly cache: Cache;
  /** What every function gives from now on. */
  value = "old";
  #held: Deferred<void> | undefined;
  #began: Deferred<void> = deferred();
  #call: Promise<string> | undefined;

  constructor(options: CacheOptions) {
    this.cache = new Cache(options);
  }

  /** Starts a call whose computation is held up; resolves when it has begun. */
  async begin(name: string): Promise<void> {
    this.#held = deferred();
    this.#began = deferred();
    this.#call = this.call(name);
    await this.#began.promise;
  }

  /** Lets the computation end; gives what it gave its caller. */
  async release(): Promise<string> {
    this.#gate.resolve();
    return this.#call!;
  }

  call(name: string): Promise<string> {
    return this.#calls[name]!();
  }

  async forget(way: string): Promise<void> {
    await this.#ways[way]!();
  }

  #gate: Deferred<void> = deferred();

  async #compute(): Promise<string> {
    const { value } = this;
    const held = this.#held;
    if (held !== undefined) {
      this.#held = undefined;
      this.#gate = held;
      this.#began.resolve();
      await held.promise;
    }
    return value;
  }

  readonly #made = once(() => this.#make());

  #make() {
    const { cache } = this;
    const compute = (): Promise<string> => this.#compute();
    const plain = cache.memoize({ name: "plain" }, (_id: number) => compute());
    class User {
      [cachingId](): number {
        return 1;
      }
      @cache.memoize({ name: "User.load" })
      async load(): Promise<string> {
        return compute();
      }
    }
    return {
      plain,
      User,
      tagged: cache.memoize({ name: "tagged", tags: ["tag"] }, compute),
      named: cache.memoize({ name: "named", tags: () => ["name"] }, compute),
      outer: cache.memoize({ name: "outer" }, () => plain(1)),
      many: cache.memoizeMany({ name: "many" }, async (ids: number[]) => {
        const value = await compute();
        return new Map(ids.map((id) => [id, value]));
      }),
      cached: cache.cached({ tags: ["tag"], keyPrefix: "page/%s" }, compute),
    };
  }

  readonly #calls: Readonly<Record<string, () => Promise<string>>> = {
    plain: () => this.#made().plain(1),
    tagged: () => this.#made().tagged(),
    named: () => this.#made().named(),
    method: () => new (this.#made().User)().load(),
    outer: () => this.#made().outer(),
    many: async () => (await this.#made().many([1])).get(1)!,
    cached: () => runInRequestContext("/p", () => this.#made().cached()),
  };

  readonly #ways: Readonly<Record<string, () => Promise<unknown>>> = {
    key: async () => this.cache.delete(await this.#made().plain.makeCacheKey(1)),
    call: () => this.#made().plain.invalidate(1),
    deletion: () => this.cache.deleteMemoized(this.#made().plain, 1),
    function: () => this.cache.deleteMemoized(this.#made().plain),
    version: () => this.cache.deleteMemoizedVerhash(this.#made().plain),
    tag: () => this.cache.invalidateTags("tag"),
    name: () => this.cache.invalidateTags("name"),
    instance: () => this.cache.deleteMemoized(new (this.#made().User)().load),
    "instance version": () => this.cache.deleteMemoizedVerhash(new (this.#made().User)().load),
    methods: () => this.cache.deleteMemoized(this.#made().User.prototype.load),
    many: () => this.cache.deleteMemoized(this.#made().many),
    id: () => this.#made().many.invalidate(1),
    path: () => this.cache.deleteCached(this.#made().cached, "/p"),
    clear: () => this.cache.clear(),
  };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
