// A cache over a store of a spec's own, which the option `store` does not take.
import { clear, remove, set } from "../../src/direct.js";
import { Engine } from "../../src/engine.js";
import { Lookup } from "../../src/lookup.js";
import { memoizeMany, type LoadMany, type ManyWrapper } from "../../src/memoize-many.js";
import { memoizeFunction, settleMemoize, type MemoizeOptions } from "../../src/memoize.js";
import { memoizeMethod } from "../../src/methods.js";
import { tagNames, type AnyFunction } from "../../src/rules.js";
import type { Store } from "../../src/store/store.js";
import { unwrap, type Wrapper } from "../../src/wrap.js";

/** What specs need of a cache. */
export class CacheOver {
  readonly engine: Engine = new Engine({});
  readonly lookup: Lookup;

  constructor(store: Store) {
    const { events } = this.engine;
    this.lookup = new Lookup({ store, events, life: 300_000, strict: false, sharing: "copy" });
    Object.defineProperty(this.engine, "lookup", { value: this.lookup });
  }

  memoize<F extends AnyFunction>(options: MemoizeOptions<F>, fn: F): Wrapper<F> {
    const settled = settleMemoize(options as MemoizeOptions);
    return memoizeFunction(this.engine, settled, fn) as Wrapper<F>;
  }

  memoizeMany<Id, Value>(options: object, load: LoadMany<Id, Value>): ManyWrapper<Id, Value> {
    return memoizeMany(this.engine, options, load) as ManyWrapper<Id, Value>;
  }

  /** Decorates a method. */
  method(options: MemoizeOptions = {}) {
    return <This, A extends any[], R>(
      method: (this: This, ...args: A) => Promise<R>,
      context: ClassMethodDecoratorContext<This, (this: This, ...args: A) => Promise<R>>,
    ): ((this: This, ...args: A) => Promise<R>) =>
      memoizeMethod(
        this.engine,
        settleMemoize(options),
        method,
        context as ClassMethodDecoratorContext,
      ) as typeof method;
  }

  async deleteMemoized(fn: AnyFunction): Promise<void> {
    await this.lookup.versions.outdate([unwrap(fn)!.tag()!]);
  }

  async deleteMemoizedVerhash(fn: AnyFunction): Promise<void> {
    await this.lookup.versions.forget([unwrap(fn)!.tag()!]);
  }

  async deleteCall(fn: AnyFunction, ...args: unknown[]): Promise<void> {
    const { text } = await unwrap(fn)!.keyOf(args);
    await remove(this.lookup, [text]);
  }

  async invalidateTags(...tags: string[]): Promise<void> {
    await this.lookup.versions.outdate(tagNames(tags, "tags"));
  }

  async set(key: string, value: unknown): Promise<void> {
    await set(this.lookup, [[key, value]], undefined);
  }

  clear(): Promise<void> {
    return clear(this.lookup);
  }
}
