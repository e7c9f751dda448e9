import { createRequire } from "node:module";
import { expect } from "chai";

/** The names that each door of the package offers, and no others. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  ".": [
    "ArgumentKeyError",
    "Cache",
    "DuplicateNameError",
    "FragmentError",
    "KeyConflictError",
    "NotCarriableError",
    "OptionError",
    "RequestContextError",
    "StoreError",
    "StoreTimeoutError",
    "cachingId",
    "currentContext",
    "runInRequestContext",
    "tryCurrentContext",
  ],
  "./handlebars": ["installHandlebars"],
  "./nunjucks": ["fragmentExtension", "installNunjucks"],
};

/** The public members of a cache. */
const MEMBERS = [
  "add",
  "cached",
  "clear",
  "close",
  "constructor",
  "delete",
  "deleteCached",
  "deleteFragment",
  "deleteMany",
  "deleteMemoized",
  "deleteMemoizedVerhash",
  "fetch",
  "fragment",
  "fragmentsMiddleware",
  "get",
  "getDict",
  "getMany",
  "has",
  "idle",
  "initApp",
  "invalidateTags",
  "makeTemplateFragmentKey",
  "memoize",
  "memoizeMany",
  "memoized",
  "middleware",
  "off",
  "on",
  "page",
  "revalidating",
  "set",
  "setMany",
  "stats",
  "withFragments",
];

const manifest = createRequire(import.meta.url)("../package.json") as {
  readonly exports: Readonly<Record<string, unknown>>;
};

/** The source of a door. */
function source(door: string): string {
  return `../src/${door === "." ? "index" : `${door.slice(2)}/index`}.js`;
}

describe("the package", () => {
  for (const [door, names] of Object.entries(DOORS)) {
    it(`offers these names at ${door}, and no others`, async () => {
      const offered = Object.keys((await import(source(door))) as object);
      expect(offered.toSorted()).to.deep.equal(names.toSorted());
    });
  }

  it("has these doors", () => {
    const doors = Object.keys(manifest.exports).filter((door) => door !== "./package.json");
    expect(doors.toSorted()).to.deep.equal(Object.keys(DOORS).toSorted());
  });

  it("offers a Cache with these members", async () => {
    const { Cache } = await import("../src/index.js");
    expect(Object.getOwnPropertyNames(Cache.prototype).toSorted()).to.deep.equal(MEMBERS);
    expect(Object.keys(new Cache())).to.deep.equal([]);
  });
});
