// The names under which memoized results are kept.
import { expect } from "chai";
import { Cache, DuplicateNameError, OptionError } from "../src/index.js";
import { failureOf } from "./support/computation.js";

const nameOf = async (f: { makeCacheKey: () => string | Promise<string> }): Promise<string> =>
  (await f.makeCacheKey()).replace(/\(\)$/, "");

describe("the name of a memoized function", () => {
  it("is the function's own", async () => {
    const cache = new Cache();
    const arrow = async (): Promise<void> => undefined;
    expect(await nameOf(cache.memoize({}, async function declared() {}))).to.equal("declared");
    expect(await nameOf(cache.memoize({}, arrow))).to.equal("arrow");
    expect(await nameOf(cache.memoize()(async function curried() {}))).to.equal("curried");
  });

  it("is what the option name says, whatever the function is called", async () => {
    const cache = new Cache();
    expect(await nameOf(cache.memoize({ name: "list" }, async () => 1))).to.equal("list");
    expect(await nameOf(cache.memoize({ name: "list.all" }, async function f() {}))).to.equal(
      "list.all",
    );
  });

  it("is what makeName makes of the function's own", async () => {
    const cache = new Cache();
    const seen: string[] = [];
    const makeName = (name: string): string => {
      seen.push(name);
      return `v2.${name}`;
    };
    expect(await nameOf(cache.memoize({ makeName }, async function list() {}))).to.equal("v2.list");
    expect(seen).to.deep.equal(["list"]);
    expect(() => cache.memoize({ makeName: () => "" }, async function other() {})).to.throw(
      OptionError,
      "makeName",
    );
    expect(() =>
      cache.memoize({ makeName: (() => 5) as never }, async function other() {}),
    ).to.throw(OptionError, "makeName");
  });

  it("keeps results apart when makeName tells closures apart", async () => {
    const cache = new Cache();
    const makeGreeter = (greeting: string): ((who: string) => Promise<string>) =>
      cache.memoize(
        { makeName: (name) => `${name}.${greeting}` },
        async function greet(who: string) {
          return `${greeting} ${who}`;
        },
      );
    const [hello, bye] = [makeGreeter("hello"), makeGreeter("bye")];
    expect(await hello("you")).to.equal("hello you");
    expect(await bye("you")).to.equal("bye you");
    expect(await hello("you")).to.equal("hello you");
    expect(() => makeGreeter("bye")).to.throw(DuplicateNameError);
  });

  it("must exist: an anonymous function is refused, with the remedy", () => {
    const cache = new Cache();
    const anonymous = (
      () => async (): Promise<number> =>
        1
    )();
    for (const wrap of [
      () => cache.memoize({}, anonymous),
      () => cache.memoize()(anonymous),
      () =>
        cache.memoizeMany(
          {},
          (
            () => async () =>
              new Map()
          )(),
        ),
    ]) {
      expect(wrap).to.throw(OptionError, 'name: "…"').that.is.instanceOf(TypeError);
    }
  });

  it("cannot be inferred for two functions, whose entries would meet", async () => {
    const cache = new Cache();
    cache.memoize({}, async function load() {});
    const second = (): unknown => cache.memoize({}, async function load() {});
    expect(second).to.throw(DuplicateNameError, '"load"');
    expect(second).to.throw('memoize({ name: "…" }, fn)');
    expect(second).to.throw("same explicit name");
    expect(() =>
      cache.memoizeMany({}, async function load() {
        return new Map();
      }),
    ).to.throw(DuplicateNameError);
  });

  it("may be inferred twice for one and the same function", async () => {
    const cache = new Cache();
    let runs = 0;
    async function load(): Promise<number> {
      runs += 1;
      return runs;
    }
    const [short, long] = [
      cache.memoize({ timeout: 1 }, load),
      cache.memoize({ timeout: 9 }, load),
    ];
    expect(await short()).to.equal(await long());
    await cache.deleteMemoized(short);
    expect(await long()).to.equal(2);
  });

  it("may be inferred again in another cache", () => {
    for (const cache of [new Cache(), new Cache()]) cache.memoize({}, async function load() {});
  });

  it("given explicitly twice, says that the functions are the same", async () => {
    const cache = new Cache();
    const first = cache.memoize({ name: "load" }, async () => 1);
    const second = cache.memoize({ name: "load" }, async () => 2);
    expect(await first()).to.equal(1);
    expect(await second()).to.equal(1);
    await cache.deleteMemoized(first);
    expect(await second()).to.equal(2);
  });

  it("given explicitly, is a duplicate of one that was inferred, in either order", () => {
    const cache = new Cache();
    cache.memoize({}, async function one() {});
    expect(() => cache.memoize({ name: "one" }, async () => 1)).to.throw(DuplicateNameError);
    cache.memoize({ name: "two" }, async () => 1);
    expect(() => cache.memoize({}, async function two() {})).to.throw(DuplicateNameError);
    cache.memoize({ makeName: () => "three" }, async function f() {});
    expect(() => cache.memoize({ makeName: () => "three" }, async function g() {})).to.throw(
      DuplicateNameError,
    );
  });

  it("of any text keeps results apart, also from keys and names that look like it", async () => {
    const cache = new Cache();
    const names = [
      "f",
      "f(1)",
      "f(",
      "f()",
      '"f"',
      " f",
      "f ",
      "F",
      "ƒ",
      "f:1",
      "f<a>",
      "__proto__",
    ];
    const functions = names.map((name) => cache.memoize({ name }, async (...args) => [name, args]));
    for (let round = 0; round < 2; round += 1) {
      for (const [index, f] of functions.entries()) {
        expect(await f(1)).to.deep.equal([names[index], [1]]);
        expect(await f()).to.deep.equal([names[index], []]);
      }
    }
    await cache.deleteMemoized(functions[0]!);
    for (const [index, f] of functions.slice(1).entries()) {
      expect(await f(1)).to.deep.equal([names[index + 1], [1]]);
    }
  });

  it("leads deleteMemoized() to the function, if it was given explicitly", async () => {
    const cache = new Cache();
    let runs = 0;
    const f = cache.memoize({ name: "list" }, async (_id?: number) => (runs += 1));
    await f(1);
    await f(2);
    expect(await cache.deleteMemoized("list", 1)).to.equal(true);
    expect([await f(1), await f(2)]).to.deep.equal([3, 2]);
    await cache.deleteMemoized("list");
    expect([await f(1), await f(2)]).to.deep.equal([4, 5]);
    await cache.deleteMemoizedVerhash("list");
    expect(await f(1)).to.equal(6);
    const many = cache.memoizeMany({ name: "users" }, async (ids: number[]) => {
      runs += 1;
      return new Map(ids.map((id) => [id, runs]));
    });
    await many([1]);
    await cache.deleteMemoized("users");
    expect((await many([1])).get(1)).to.equal(8);
  });

  it("does not lead there if it was inferred, or never given", async () => {
    const cache = new Cache();
    cache.memoize({}, async function inferred() {});
    for (const name of ["inferred", "never", ""]) {
      const error = await failureOf(cache.deleteMemoized(name));
      expect(error).to.be.instanceOf(OptionError).and.instanceOf(TypeError);
      expect(String(error)).to.include("pass the function itself");
      expect(await failureOf(cache.deleteMemoizedVerhash(name))).to.be.instanceOf(OptionError);
    }
  });
});
