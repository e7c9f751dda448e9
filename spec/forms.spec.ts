import { expect } from "chai";
import { Cache, OptionError, runInRequestContext } from "../src/index.js";
import { unwrap } from "../src/wrap.js";
import { counting } from "./support/computation.js";

/** Calls a function while a path is served. */
function at<T>(path: string, run: () => T): T {
  return runInRequestContext(path, run);
}

describe("the three forms", () => {
  it("are cached(options)(fn), cached(options, fn) and, without options, cached()(fn)", async () => {
    const cache = new Cache();
    const forms = [
      cache.cached({ keyPrefix: "1" })(counting()),
      cache.cached({ keyPrefix: "2" }, counting()),
      cache.cached()(counting()),
    ];
    for (const count of forms) {
      expect(await at("/", async () => [await count(), await count()])).to.deep.equal([1, 1]);
      expect(unwrap(count)?.kind).to.equal("cached");
    }
  });

  it("refuse what is not a function, where it is written", () => {
    const cache = new Cache();
    for (const wrong of [undefined, null, 7, "fn", {}, Promise.resolve()]) {
      expect(() => cache.cached({}, wrong as never)).to.throw(
        OptionError,
        /cached\(\) wraps a function: .*; got /,
      );
      expect(() => cache.cached({})(wrong as never)).to.throw(
        OptionError,
        /cached\(\) wraps a function: .*; got /,
      );
    }
    expect(() => cache.cached(counting() as never)).to.throw(
      OptionError,
      /options of cached\(\) must be an object; got a function/,
    );
  });

  it("decorate methods: of instances, static and private ones, with this (K166)", async () => {
    const cache = new Cache();
    class Pages {
      runs = 0;
      static runs = 0;
      @cache.cached({ keyPrefix: "list" })
      async list(from: number): Promise<string> {
        this.runs += 1;
        return `${this.runs} from ${from}`;
      }
      @cache.cached({ keyPrefix: "all" })
      static async all(): Promise<number> {
        return (this.runs += 1);
      }
      @cache.cached({ keyPrefix: "hidden" })
      async #hidden(): Promise<number> {
        return (this.runs += 1);
      }
      hidden(): Promise<number> {
        return this.#hidden();
      }
    }
    const pages = new Pages();
    await at("/", async () => {
      expect([await pages.list(5), await pages.list(5)]).to.deep.equal(["1 from 5", "1 from 5"]);
      expect([await Pages.all(), await Pages.all()]).to.deep.equal([1, 1]);
      expect([await pages.hidden(), await pages.hidden()]).to.deep.equal([2, 2]);
    });
    expect(await cache.deleteCached(pages.list)).to.equal(true);
    expect(Pages.prototype.list.name).to.equal("list");
  });

  it("decorate with a key made of this", async () => {
    const cache = new Cache();
    class Tenant {
      readonly name: string;
      constructor(name: string) {
        this.name = name;
      }
      @cache.cached({
        keyPrefix(this: unknown) {
          return `tenant:${(this as Tenant).name}`;
        },
      } as never)
      async title(): Promise<string> {
        return `title of ${this.name}`;
      }
    }
    const [a, b] = [new Tenant("a"), new Tenant("b")];
    await at("/", async () =>
      expect([await a.title(), await b.title()]).to.deep.equal(["title of a", "title of b"]),
    );
    expect(await cache.get("tenant:b")).to.equal("title of b");
  });

  it("refuse to decorate what is not a method", () => {
    const decorate = new Cache().cached({}) as unknown as (
      target: unknown,
      context: unknown,
    ) => unknown;
    for (const kind of ["getter", "field", "class", "accessor", "setter"]) {
      expect(() => decorate(counting(), { kind, name: "x" })).to.throw(
        OptionError,
        new RegExp(`decorates methods; got a ${kind}`),
      );
    }
  });

  it("refuse the decorators of experimentalDecorators, and say so", () => {
    const decorate = new Cache().cached({}) as unknown as (...args: unknown[]) => unknown;
    const descriptor = { value: counting(), writable: true };
    for (const args of [
      [{}, "method", descriptor],
      [Object, "method", descriptor],
      [{}, Symbol("m"), descriptor],
      [{}, "field"],
    ]) {
      expect(() => decorate(...args)).to.throw(
        OptionError,
        /standard \(TC39\) decorator.*Remove "experimentalDecorators"/,
      );
    }
  });

  it("wrap a wrapper: one cache in front of another", async () => {
    const [near, far] = [new Cache(), new Cache()];
    const count = near.memoize({}, far.memoize({}, counting()));
    expect([await count(), await count()]).to.deep.equal([1, 1]);
  });
});
