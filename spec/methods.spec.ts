// Memoized methods: per instance, forgotten per instance or for all of them.
/* oxlint-disable typescript/no-extraneous-class -- classes of every kind are what is tested */
import { expect } from "chai";
import { Cache, cachingId, DuplicateNameError, OptionError } from "../src/index.js";
import { failureOf } from "./support/computation.js";
import { countAlive } from "./support/heap.js";

let runs = 0;

/** The documented class, whose results tell each run from the others. */
function makeAdder(cache: Cache) {
  return class Adder {
    @cache.memoize()
    async add(b: number): Promise<string> {
      runs += 1;
      return `${b} + ${runs}`;
    }
  };
}

describe("a memoized method", () => {
  it("keeps the results of each instance apart (C17) (K105)", async () => {
    const Adder = makeAdder(new Cache());
    const [adder1, adder2] = [new Adder(), new Adder()];
    const [first, other, second] = [await adder1.add(3), await adder1.add(4), await adder2.add(3)];
    expect(new Set([first, other, second]).size).to.equal(3);
    expect(await adder1.add(3)).to.equal(first);
    expect(await adder1.add(4)).to.equal(other);
    expect(await adder2.add(3)).to.equal(second);
  });

  it("forgets one instance by its method, and all by the prototype's (C18) (K107)", async () => {
    const cache = new Cache();
    const Adder = makeAdder(cache);
    const [adder1, adder2] = [new Adder(), new Adder()];
    const [first, second] = [await adder1.add(3), await adder2.add(3)];
    await cache.deleteMemoized(adder1.add);
    const third = await adder1.add(3);
    expect(third).not.to.equal(first);
    expect(await adder2.add(3)).to.equal(second);
    await cache.deleteMemoized(Adder.prototype.add);
    expect(await adder1.add(3)).not.to.equal(third);
    expect(await adder2.add(3)).not.to.equal(second);
  });

  it("forgets one call of one instance (K108)", async () => {
    const cache = new Cache();
    const Adder = makeAdder(cache);
    const [adder1, adder2] = [new Adder(), new Adder()];
    const [first, other, second] = [await adder1.add(3), await adder1.add(4), await adder2.add(3)];
    expect(await cache.deleteMemoized(adder1.add, 3)).to.equal(true);
    expect(await cache.deleteMemoized(adder1.add, 3)).to.equal(false);
    expect(await adder1.add(3)).not.to.equal(first);
    expect(await adder1.add(4)).to.equal(other);
    expect(await adder2.add(3)).to.equal(second);
    expect(await cache.memoized(adder2.add).invalidate(3)).to.equal(true);
    expect(await adder2.add(3)).not.to.equal(second);
  });

  it("takes no arguments to the prototype's deletion, which belong to an instance (K109) (K111)", async () => {
    const cache = new Cache();
    const Adder = makeAdder(cache);
    const adder = new Adder();
    const first = await adder.add(3);
    const error = await failureOf(cache.deleteMemoized(Adder.prototype.add, 3));
    expect(error).to.be.instanceOf(OptionError);
    expect(String(error)).to.include("instance.add");
    expect(await adder.add(3)).to.equal(first);
  });

  it("forgets the version of an instance, or of all", async () => {
    const cache = new Cache();
    const Adder = makeAdder(cache);
    const [adder1, adder2] = [new Adder(), new Adder()];
    const [first, second] = [await adder1.add(3), await adder2.add(3)];
    await cache.deleteMemoizedVerhash(adder1.add);
    expect(await adder1.add(3)).not.to.equal(first);
    expect(await adder2.add(3)).to.equal(second);
    await cache.deleteMemoizedVerhash(Adder.prototype.add);
    expect(await adder2.add(3)).not.to.equal(second);
  });

  it("clears all instances by its deleteMemoized attribute (K095)", async () => {
    const cache = new Cache();
    const Adder = makeAdder(cache);
    const [adder1, adder2] = [new Adder(), new Adder()];
    const [first, second] = [await adder1.add(3), await adder2.add(3)];
    await cache.memoized(adder1.add).deleteMemoized();
    expect(await adder1.add(3)).not.to.equal(first);
    const third = await adder2.add(3);
    expect(third).not.to.equal(second);
    await cache.memoized(Adder.prototype.add).deleteMemoized();
    expect(await adder2.add(3)).not.to.equal(third);
  });

  it("can be forgotten by the prototype as soon as there is an instance", async () => {
    const cache = new Cache();
    const Adder = makeAdder(cache);
    const error = await failureOf(cache.deleteMemoized(Adder.prototype.add));
    expect(error).to.be.instanceOf(OptionError);
    expect(String(error)).to.include('name: "…"');
    const adder = new Adder();
    await cache.deleteMemoized(Adder.prototype.add);
    expect(await adder.add(1)).to.equal(await adder.add(1));
  });

  it("can be forgotten by the prototype at any time if it has a name of its own", async () => {
    const cache = new Cache();
    class Adder {
      @cache.memoize({ name: "adding" })
      async add(b: number): Promise<string> {
        runs += 1;
        return `${b} + ${runs}`;
      }
    }
    await cache.deleteMemoized(Adder.prototype.add);
    const adder = new Adder();
    const first = await adder.add(1);
    await cache.deleteMemoized("adding");
    const second = await adder.add(1);
    expect(second).not.to.equal(first);
    await cache.deleteMemoized(Adder.prototype.add);
    expect(await adder.add(1)).not.to.equal(second);
    expect(await failureOf(cache.deleteMemoized("adding", 1))).to.be.instanceOf(OptionError);
  });

  it("is named after its class, which makeName may change", async () => {
    const cache = new Cache();
    const seen: string[] = [];
    class Adder {
      @cache.memoize()
      async add(): Promise<void> {}
      @cache.memoize({ makeName: (name) => (seen.push(name), `v2.${name}`) })
      async sum(): Promise<void> {}
    }
    const adder = new Adder();
    expect(await cache.memoized(adder.add).makeCacheKey()).to.match(/^Adder\.add<.+>\(\)$/);
    expect(await cache.memoized(adder.sum).makeCacheKey()).to.match(/^v2\.Adder\.sum<.+>\(\)$/);
    expect(seen).to.deep.equal(["Adder.sum"]);
    expect(cache.stats().functions.has("Adder.add")).to.equal(true);
  });

  it("has the attributes of its instance, and one cacheTimeout for all instances", async () => {
    const cache = new Cache();
    const Adder = makeAdder(cache);
    const [adder1, adder2] = [new Adder(), new Adder()];
    const add1 = cache.memoized(adder1.add);
    const key = await add1.makeCacheKey(3);
    const value = await adder1.add(3);
    expect(await cache.get(key)).to.equal(value);
    expect(await add1.refresh(3)).not.to.equal(value);
    add1.cacheTimeout = 7;
    expect(cache.memoized(adder2.add).cacheTimeout).to.equal(7);
    expect(cache.memoized(Adder.prototype.add).cacheTimeout).to.equal(7);
    expect(add1.name).to.equal("add");
    expect(add1.length).to.equal(1);
    expect(Adder.prototype.add.name).to.equal("add");
    expect(Adder.prototype.add.length).to.equal(1);
    expect(add1.uncached).to.equal(cache.memoized(Adder.prototype.add).uncached);
    expect(() => cache.memoized(async () => 1)).to.throw(OptionError);
  });

  it("is one and the same function each time it is taken from an instance", () => {
    const Adder = makeAdder(new Cache());
    const [adder1, adder2] = [new Adder(), new Adder()];
    expect(adder1.add).to.equal(adder1.add);
    expect(adder1.add).not.to.equal(adder2.add);
  });

  it("stays with its instance when it is detached or handed on", async () => {
    const Adder = makeAdder(new Cache());
    const [adder1, adder2] = [new Adder(), new Adder()];
    const { add } = adder1;
    const first = await adder1.add(3);
    expect(await add(3)).to.equal(first);
    expect((await Promise.all([3, 3].map((b) => add(b))))[0]).to.equal(first);
    expect(await Adder.prototype.add.call(adder1, 3)).to.equal(first);
    expect(await Adder.prototype.add.call(adder2, 3)).not.to.equal(first);
  });

  it("rejects when it is called without an instance", async () => {
    const Adder = makeAdder(new Cache());
    const { add } = Adder.prototype;
    expect(await failureOf(add(3))).to.be.instanceOf(OptionError);
    expect(await failureOf(add.call(5 as never, 3))).to.be.instanceOf(OptionError);
  });

  it("runs with its instance as this, and gives it to its callables", async () => {
    const cache = new Cache();
    const seen: unknown[] = [];
    const note = (answer: unknown) =>
      // oxlint-disable-next-line func-names -- its receiver is what counts
      function (this: unknown): never {
        seen.push(this);
        return answer as never;
      };
    const options = {
      unless: note(false),
      forcedUpdate: note(false),
      isStale: note(false),
      shouldCache: note(true),
      timeout: note(5),
      tags: note([]),
      argsKey: note(1),
    };
    class Service {
      factor = 2;
      @cache.memoize(options)
      async double(value: number): Promise<number> {
        return this.factor * value;
      }
    }
    const service = new Service();
    expect(await service.double(2)).to.equal(4);
    expect(await service.double(2)).to.equal(4);
    expect(seen.length).to.be.above(9);
    expect(seen.every((self) => self === service)).to.equal(true);
  });

  it("may be called while its instance is being made, before its fields exist", async () => {
    const cache = new Cache();
    class Base {
      early: Promise<unknown>;
      constructor() {
        this.early = this.read();
      }
      @cache.memoize()
      async read(): Promise<unknown> {
        return (this as { field?: string }).field ?? "none yet";
      }
    }
    class Derived extends Base {
      field = "set";
    }
    const derived = new Derived();
    expect(await derived.early).to.equal(await derived.read());
  });

  it("is refused while the instance's own id is not known yet", async () => {
    const cache = new Cache();
    class User {
      early: Promise<unknown>;
      id: number | undefined;
      constructor(id: number) {
        this.early = this.read();
        this.id = id;
      }
      [cachingId](): number {
        return this.id as number;
      }
      @cache.memoize()
      async read(): Promise<number> {
        return this.id as number;
      }
    }
    const [one, two] = [new User(1), new User(2)];
    expect(await failureOf(one.early)).to.include({ code: "ERR_ARGUMENT_KEY" });
    expect(await failureOf(two.early)).to.include({ code: "ERR_ARGUMENT_KEY" });
    expect([await one.read(), await two.read()]).to.deep.equal([1, 2]);
  });

  describe("of instances with an id of their own", () => {
    function makeUser(cache: Cache) {
      return class User {
        id: number;
        constructor(id: number) {
          this.id = id;
        }
        [cachingId](): number {
          return this.id;
        }
        @cache.memoize()
        async load(what: string): Promise<string> {
          runs += 1;
          return `${what} of ${this.id}, ${runs}`;
        }
      };
    }

    it("is shared by the instances that have one id (K106)", async () => {
      const cache = new Cache();
      const User = makeUser(cache);
      const first = await new User(1).load("name");
      expect(await new User(1).load("name")).to.equal(first);
      const other = await new User(2).load("name");
      expect(other).not.to.equal(first);
      await cache.deleteMemoized(new User(1).load);
      expect(await new User(1).load("name")).not.to.equal(first);
      expect(await new User(2).load("name")).to.equal(other);
    });

    it("follows an id that changes, on hits as well", async () => {
      const User = makeUser(new Cache());
      const user = new User(1);
      const one = await user.load("name");
      expect(await user.load("name")).to.equal(one);
      user.id = 2;
      const two = await user.load("name");
      expect(two).to.include("of 2");
      expect(await user.load("name")).to.equal(two);
      user.id = 1;
      expect(await user.load("name")).to.equal(one);
    });

    it("does not mix classes that inherit it", async () => {
      const cache = new Cache();
      const User = makeUser(cache);
      class Admin extends User {}
      const first = await new User(1).load("rights");
      expect(await new Admin(1).load("rights")).not.to.equal(first);
    });

    it("refuses a second class of the same name that inherits it", async () => {
      const cache = new Cache();
      const User = makeUser(cache);
      const makeAdmin = (): typeof User => class Admin extends User {};
      const [One, Two] = [makeAdmin(), makeAdmin()];
      await new One(1).load("rights");
      const call = async (): Promise<string> => new Two(1).load("rights");
      expect(await failureOf(call())).to.be.instanceOf(DuplicateNameError);
      expect(await failureOf(call())).to.be.instanceOf(DuplicateNameError);
      await new One(1).load("rights");
    });
  });

  describe("in classes of the same name", () => {
    function makeRepository(cache: Cache, label: string) {
      return class Repository {
        [cachingId](): number {
          return 1;
        }
        @cache.memoize()
        async load(): Promise<string> {
          return label;
        }
      };
    }

    it("is refused from the first call of the second on, every time", async () => {
      const cache = new Cache();
      const one = new (makeRepository(cache, "one"))();
      const two = new (makeRepository(cache, "two"))();
      expect(await one.load()).to.equal("one");
      for (let call = 0; call < 3; call += 1) {
        const loaded = (async () => two.load())();
        expect(await failureOf(loaded)).to.be.instanceOf(DuplicateNameError);
      }
      expect(await failureOf((async () => cache.deleteMemoized(two.load))())).to.be.instanceOf(
        DuplicateNameError,
      );
      expect(await one.load()).to.equal("one");
    });

    it("is accepted when an explicit name says that they are the same", async () => {
      const cache = new Cache();
      const make = (): new () => { load(): Promise<number> } =>
        class Repository {
          [cachingId](): number {
            return 1;
          }
          @cache.memoize({ name: "Repository.load" })
          async load(): Promise<number> {
            runs += 1;
            return runs;
          }
        };
      const [One, Two] = [make(), make()];
      expect(await new One().load()).to.equal(await new Two().load());
    });

    it("is accepted in another cache", async () => {
      const one = new (makeRepository(new Cache(), "one"))();
      const two = new (makeRepository(new Cache(), "two"))();
      expect([await one.load(), await two.load()]).to.deep.equal(["one", "two"]);
    });
  });

  describe("and subclasses", () => {
    it("is inherited, with results of each instance", async () => {
      const cache = new Cache();
      const Adder = makeAdder(cache);
      class Sub extends Adder {}
      const [sub, adder] = [new Sub(), new Adder()];
      const [first, other] = [await sub.add(1), await adder.add(1)];
      expect(first).not.to.equal(other);
      expect(await sub.add(1)).to.equal(first);
      await cache.deleteMemoized(sub.add);
      expect(await sub.add(1)).not.to.equal(first);
      expect(await adder.add(1)).to.equal(other);
      await cache.deleteMemoized(Adder.prototype.add);
      expect(await adder.add(1)).not.to.equal(other);
    });

    it("is overridden by a plain method, which reaches it by super", async () => {
      const cache = new Cache();
      const Adder = makeAdder(cache);
      class Sub extends Adder {
        override async add(b: number): Promise<string> {
          return `sub ${await super.add(b)}`;
        }
      }
      const sub = new Sub();
      const first = await sub.add(1);
      expect(first).to.match(/^sub 1/);
      expect(await sub.add(1)).to.equal(first);
      await cache.deleteMemoized(Adder.prototype.add);
      expect(await sub.add(1)).not.to.equal(first);
      expect(Object.hasOwn(sub, "add")).to.equal(false);
    });

    it("is overridden by another memoized method, each forgotten by itself", async () => {
      const cache = new Cache();
      const Adder = makeAdder(cache);
      class Sub extends Adder {
        @cache.memoize()
        override async add(b: number): Promise<string> {
          runs += 1;
          return `sub ${runs} of ${await super.add(b)}`;
        }
      }
      const sub = new Sub();
      const first = await sub.add(1);
      expect(await sub.add(1)).to.equal(first);
      expect(await cache.memoized(sub.add).makeCacheKey(1)).to.match(/^Sub\.add</);
      const inner = first.replace(/^sub \d+ of /, "");
      await cache.deleteMemoized(sub.add);
      const second = await sub.add(1);
      expect(second).not.to.equal(first);
      expect(second).to.include(inner);
      await cache.deleteMemoized(Adder.prototype.add);
      expect(await sub.add(1)).not.to.include(inner);
    });

    it("is overridden by a field, an assignment or a getter", async () => {
      const Adder = makeAdder(new Cache());
      class Field extends Adder {
        override add = async (): Promise<string> => "field";
      }
      class Getter extends Adder {
        readonly #answer = "getter";
        // @ts-expect-error -- JavaScript allows what TypeScript does not
        override get add(): () => Promise<string> {
          const answer = this.#answer;
          return async () => answer;
        }
      }
      const assigned = new Adder();
      assigned.add = async () => "assigned";
      expect(await new Field().add()).to.equal("field");
      expect(await new Getter().add()).to.equal("getter");
      expect(await assigned.add(1)).to.equal("assigned");
      expect(Object.keys(assigned)).to.deep.equal(["add"]);
    });

    it("works on instances that nothing can be added to", async () => {
      const cache = new Cache();
      class Sealed {
        constructor() {
          Object.preventExtensions(this);
        }
      }
      class Adder extends Sealed {
        @cache.memoize()
        async add(b: number): Promise<string> {
          runs += 1;
          return `${b} + ${runs}`;
        }
      }
      class Frozen {
        constructor() {
          Object.freeze(this);
        }
        @cache.memoize()
        async add(b: number): Promise<string> {
          runs += 1;
          return `${b} + ${runs}`;
        }
      }
      for (const adder of [new Adder(), new Frozen()]) {
        const first = await adder.add(1);
        expect(await adder.add(1)).to.equal(first);
        await cache.deleteMemoized(adder.add);
        expect(await adder.add(1)).not.to.equal(first);
      }
    });

    it("works on objects made without the constructor, and through proxies", async () => {
      const cache = new Cache();
      const Adder = makeAdder(cache);
      const bare = Object.create(Adder.prototype) as InstanceType<typeof Adder>;
      const adder = new Adder();
      const derived = Object.create(adder) as InstanceType<typeof Adder>;
      const proxy = new Proxy(adder, {});
      const all = await Promise.all([bare, adder, derived, proxy].map(async (one) => one.add(1)));
      expect(new Set(all).size).to.equal(4);
      expect(
        await Promise.all([bare, adder, derived, proxy].map(async (one) => one.add(1))),
      ).to.deep.equal(all);
    });
  });

  it("shows nothing of itself on an instance", () => {
    const Adder = makeAdder(new Cache());
    const adder = Object.assign(new Adder(), { own: 1 });
    expect(Object.keys(adder)).to.deep.equal(["own"]);
    expect(JSON.stringify(adder)).to.equal('{"own":1}');
    expect(Object.entries(adder)).to.deep.equal([["own", 1]]);
    expect(structuredClone(adder)).to.deep.equal({ own: 1 });
  });

  describe("that is static", () => {
    function makeRates(cache: Cache) {
      return class Rates {
        static base = 1;
        @cache.memoize()
        static async load(this: { base: number } | void, currency: string): Promise<string> {
          runs += 1;
          return `${this?.base} ${currency} ${runs}`;
        }
      };
    }

    it("belongs to the class (C19) (K112)", async () => {
      const cache = new Cache();
      const Rates = makeRates(cache);
      const [first, second] = [await Rates.load("EUR"), await Rates.load("CHF")];
      expect(await Rates.load("EUR")).to.equal(first);
      await cache.deleteMemoized(Rates.load);
      expect(await Rates.load("EUR")).not.to.equal(first);
      expect(await Rates.load("CHF")).not.to.equal(second);
    });

    it("forgets one call, without the class among the arguments (K113)", async () => {
      const cache = new Cache();
      const Rates = makeRates(cache);
      const [first, second] = [await Rates.load("EUR"), await Rates.load("CHF")];
      expect(await cache.deleteMemoized(Rates.load, "EUR")).to.equal(true);
      expect(await Rates.load("EUR")).not.to.equal(first);
      expect(await Rates.load("CHF")).to.equal(second);
    });

    it("has all attributes", async () => {
      const cache = new Cache();
      const Rates = makeRates(cache);
      const load = cache.memoized(Rates.load);
      const first = await load("EUR");
      expect(await load.makeCacheKey("EUR")).to.equal('Rates.load("EUR")');
      expect(await cache.get('Rates.load("EUR")')).to.equal(first);
      expect(await load.invalidate("EUR")).to.equal(true);
      expect(await load.refresh("EUR")).not.to.equal(first);
      load.cacheTimeout = 7;
      expect(load.cacheTimeout).to.equal(7);
      await load.deleteMemoized();
      expect(await load.invalidate("EUR")).to.equal(false);
    });

    it("keeps its class when it is detached", async () => {
      const { load } = makeRates(new Cache());
      expect(await load("EUR")).to.match(/^1 EUR/);
    });

    it("called through a subclass belongs to the subclass", async () => {
      const cache = new Cache();
      const Rates = makeRates(cache);
      class Daily extends Rates {
        static override base = 2;
      }
      const [first, daily] = [await Rates.load("EUR"), await Daily.load("EUR")];
      expect(daily).to.match(/^2 EUR/);
      expect(await Daily.load("EUR")).to.equal(daily);
      await cache.deleteMemoized(Daily.load);
      const next = await Daily.load("EUR");
      expect(next).not.to.equal(daily);
      expect(await Rates.load("EUR")).to.equal(first);
      await cache.deleteMemoized(Rates.load);
      expect(await Rates.load("EUR")).not.to.equal(first);
      expect(await Daily.load("EUR")).not.to.equal(next);
    });

    it("is refused in a second class of the same name, from the first call on", async () => {
      const cache = new Cache();
      const [One, Two] = [makeRates(cache), makeRates(cache)];
      const first = await One.load("EUR");
      for (let call = 0; call < 2; call += 1) {
        expect(await failureOf(Two.load("EUR"))).to.be.instanceOf(DuplicateNameError);
      }
      expect(await One.load("EUR")).to.equal(first);
    });

    it("and private works as well", async () => {
      const cache = new Cache();
      class Rates {
        @cache.memoize()
        static async #load(currency: string): Promise<string> {
          runs += 1;
          return `${currency} ${runs}`;
        }
        static async load(currency: string): Promise<string> {
          return this.#load(currency);
        }
        static forget(): Promise<void> {
          return cache.deleteMemoized(this.#load);
        }
      }
      const first = await Rates.load("EUR");
      expect(await Rates.load("EUR")).to.equal(first);
      await Rates.forget();
      expect(await Rates.load("EUR")).not.to.equal(first);
    });
  });

  it("that is private is kept per instance, and forgotten for all of them", async () => {
    const cache = new Cache();
    class Adder {
      @cache.memoize()
      async #add(b: number): Promise<string> {
        runs += 1;
        return `${b} + ${runs}`;
      }
      add(b: number): Promise<string> {
        return this.#add(b);
      }
      forget(): Promise<void> {
        return cache.deleteMemoized(this.#add);
      }
    }
    const [adder1, adder2] = [new Adder(), new Adder()];
    const [first, second] = [await adder1.add(1), await adder2.add(1)];
    expect(second).not.to.equal(first);
    expect(await adder1.add(1)).to.equal(first);
    await adder1.forget();
    expect(await adder1.add(1)).not.to.equal(first);
    expect(await adder2.add(1)).not.to.equal(second);
  });

  it("may be named by a symbol", async () => {
    const cache = new Cache();
    const sum = Symbol("sum");
    const total = Symbol("sum");
    class Adder {
      @cache.memoize()
      async [sum](b: number): Promise<string> {
        runs += 1;
        return `${b} + ${runs}`;
      }
    }
    class Other {
      @cache.memoize()
      async [total](b: number): Promise<string> {
        runs += 1;
        return `${b} + ${runs}`;
      }
    }
    const [adder, second, other] = [new Adder(), new Adder(), new Other()];
    const [first, apart] = [await adder[sum](1), await second[sum](1)];
    expect(await other[total](1)).not.to.equal(first);
    expect(await adder[sum](1)).to.equal(first);
    await cache.deleteMemoized(adder[sum]);
    expect(await adder[sum](1)).not.to.equal(first);
    expect(await second[sum](1)).to.equal(apart);
    await cache.deleteMemoized(Adder.prototype[sum]);
    expect(await second[sum](1)).not.to.equal(apart);
  });

  describe("with other decorators", () => {
    const log = <This, A extends unknown[], R>(
      method: (this: This, ...args: A) => Promise<R>,
      _context: ClassMethodDecoratorContext<This, (this: This, ...args: A) => Promise<R>>,
    ): ((this: This, ...args: A) => Promise<R>) =>
      async function logged(this: This, ...args: A) {
        runs += 100;
        return method.apply(this, args);
      };

    it("works outside of them and inside", async () => {
      const cache = new Cache();
      class Adder {
        @cache.memoize()
        @log
        async outside(b: number): Promise<string> {
          runs += 1;
          return `${b} + ${runs}`;
        }
        @log
        @cache.memoize()
        async inside(b: number): Promise<string> {
          runs += 1;
          return `${b} + ${runs}`;
        }
      }
      const [adder1, adder2] = [new Adder(), new Adder()];
      for (const method of ["outside", "inside"] as const) {
        const [first, second] = [await adder1[method](1), await adder2[method](1)];
        expect(first).not.to.equal(second);
        expect(await adder1[method](1)).to.equal(first);
        expect(await adder2[method](1)).to.equal(second);
      }
      await cache.deleteMemoized(adder1.outside);
      expect(await failureOf(cache.deleteMemoized(adder1.inside))).to.be.instanceOf(OptionError);
    });

    it("and of two caches works through both", async () => {
      const [near, far] = [new Cache(), new Cache()];
      class Adder {
        @near.memoize()
        @far.memoize()
        async add(b: number): Promise<string> {
          runs += 1;
          return `${b} + ${runs}`;
        }
      }
      const [adder1, adder2] = [new Adder(), new Adder()];
      const [first, second] = [await adder1.add(1), await adder2.add(1)];
      await near.deleteMemoized(adder1.add);
      expect(await adder1.add(1)).to.equal(first);
      await far.clear();
      expect(await adder1.add(1)).to.equal(first);
      await near.clear();
      expect(await adder1.add(1)).not.to.equal(first);
      expect(await adder2.add(1)).not.to.equal(second);
    });

    it("of the same cache twice is refused", async () => {
      const cache = new Cache();
      class Adder {
        @cache.memoize()
        @cache.memoize()
        async add(): Promise<void> {}
      }
      const call = async (): Promise<void> => new Adder().add();
      expect(await failureOf(call())).to.be.instanceOf(DuplicateNameError);
      expect(await failureOf(call())).to.be.instanceOf(DuplicateNameError);
    });
  });

  it("is all that can be decorated, and the error says what to do", () => {
    const cache = new Cache();
    const decorate = cache.memoize() as never as (...args: unknown[]) => unknown;
    for (const kind of ["getter", "setter", "field", "accessor", "class"]) {
      const wrong = (): unknown => decorate(() => undefined, { kind, name: "x" });
      expect(wrong).to.throw(OptionError, `got a ${kind}`);
      expect(wrong).to.throw("async method");
    }
    const legacy = (): unknown => decorate({}, "add", { value: async () => 1 });
    expect(legacy).to.throw(OptionError, "experimentalDecorators");
    expect(() => decorate({}, "add")).to.throw(OptionError, "experimentalDecorators");
    expect(() => decorate(class {}, undefined, 0)).to.throw(OptionError);
  });

  it("runs as it is when the cache is off", async () => {
    const cache = new Cache({ enabled: false });
    const Adder = makeAdder(cache);
    const adder = new Adder();
    expect(await adder.add(1)).not.to.equal(await adder.add(1));
  });

  describe("keeps nothing alive:", () => {
    it("not the instances whose results it keeps", async () => {
      const cache = new Cache();
      const Adder = makeAdder(cache);
      const make = async (): Promise<WeakRef<object>[]> => {
        const refs: WeakRef<object>[] = [];
        for (let made = 0; made < 100; made += 1) {
          const adder = new Adder();
          await adder.add(1);
          await adder.add(1);
          await adder.add(1);
          refs.push(new WeakRef(adder));
        }
        await cache.deleteMemoized(new Adder().add);
        return refs;
      };
      const refs = await make();
      expect(await countAlive(refs)).to.be.below(10);
    });

    it("not the requests in which results were computed, awaited or found", async () => {
      const { runInRequestContext } = await import("../src/index.js");
      const { koaContext } = await import("./support/koa-context.js");
      const cache = new Cache();
      const f = cache.memoize({ name: "f" }, async (id: number) => id);
      const many = cache.memoizeMany(
        { name: "g" },
        async (ids: number[]) => new Map(ids.map((id) => [id, id])),
      );
      const serve = async (id: number): Promise<WeakRef<object>> => {
        const context = koaContext();
        await runInRequestContext(context, () =>
          Promise.all([f(id), f(id), many([id]), many([id])]),
        );
        await runInRequestContext(context, async () => {
          for (let call = 0; call < 3; call += 1) await Promise.all([f(id), many([id])]);
        });
        return new WeakRef(context);
      };
      const refs: WeakRef<object>[] = [];
      for (let id = 0; id < 100; id += 1) refs.push(await serve(id));
      expect(await countAlive(refs)).to.be.below(10);
    });
  });
});
