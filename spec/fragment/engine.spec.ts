// Fragments on the engine: what they cost, their errors, caches that are off, and several caches.
import { expect } from "chai";
import { Cache, type CacheOptions } from "../../src/index.js";
import { filterOf, fragmentSite } from "../support/fragment-site.js";
import { OwnServer } from "../support/own-server.js";
import { RecordingKeyv } from "../support/recording-keyv.js";
import { describeWith, hasProgram } from "../support/servers.js";

const HUNDRED = { xs: Array.from({ length: 100 }, (_, index) => index) };
const ROWS = '{{#each xs}}{{#cache 60 "row" this tags="rows"}}<{{run "row"}}>{{/cache}}{{/each}}';
const LEVELS =
  '{{#cache 60 "a"}}[{{run "a"}}{{#cache 60 "b"}}({{run "b"}}{{#cache 60 "c"}}{{run "c"}}{{/cache}}){{/cache}}]{{/cache}}';

describe("fragments in a cache: their costs", () => {
  it("a hundred hot fragments are one read, no write and no block", async () => {
    const keyv = new RecordingKeyv();
    const { cache, runs, hbs } = fragmentSite({ store: keyv });
    const cold = await hbs(ROWS, HUNDRED);
    await cache.idle();
    keyv.take();
    expect(await hbs(ROWS, HUNDRED)).to.equal(cold);
    expect(keyv.take().map(([method]) => method)).to.eql(["getMany"]);
    expect(runs).to.have.length(100);
  });

  it("three levels cold are three reads and one write", async () => {
    const keyv = new RecordingKeyv();
    const { cache, hbs } = fragmentSite({ store: keyv });
    // Makes the version that all entries carry.
    await cache.fragment("other", {}, () => "");
    await cache.idle();
    keyv.take();
    expect(await hbs(LEVELS)).to.equal("[a1(b1c1)]");
    await cache.idle();
    const methods = keyv.take().map(([method]) => method);
    expect(methods).to.eql(["getMany", "getMany", "getMany", "setMany"]);
    expect(await hbs(LEVELS)).to.equal("[a1(b1c1)]");
    expect(keyv.take().map(([method]) => method)).to.eql(["getMany"]);
  });

  it("an inner fragment is still there when the outer one has been deleted", async () => {
    const { cache, hbs } = fragmentSite();
    await hbs(LEVELS);
    expect(await cache.deleteFragment("a")).to.equal(true);
    expect(await hbs(LEVELS)).to.equal("[a2(b1c1)]");
    expect(await cache.deleteFragment("b", [1])).to.equal(false);
  });

  it("a page without fragments asks nothing of the store", async () => {
    const keyv = new RecordingKeyv();
    const { hbs, njk } = fragmentSite({ store: keyv });
    expect([await hbs("a{{run 1}}"), await njk("b")]).to.eql(["a11", "b"]);
    expect(keyv.take()).to.eql([]);
  });
});

const stores: readonly [string, () => CacheOptions][] = [
  ["memory", () => ({})],
  ["a Keyv", () => ({ store: new RecordingKeyv() })],
  ["a Keyv with memory in front", () => ({ store: new RecordingKeyv(), memory: {} })],
];
describeWith("redis-server", hasProgram("redis-server"), "fragments on Redis", () => {
  let redis: OwnServer;
  before(async () => {
    redis = await OwnServer.redis();
  });
  after(() => redis.kill());

  it("are shared by processes, and outdated in all of them", async () => {
    const store = `redis://127.0.0.1:${redis.port}`;
    const [one, other] = [fragmentSite({ store }), fragmentSite({ store })];
    try {
      const cold = await one.hbs(ROWS, HUNDRED);
      await one.cache.idle();
      expect(await other.hbs(ROWS, HUNDRED)).to.equal(cold);
      expect(other.runs).to.eql([]);
      await one.cache.invalidateTags("rows");
      await other.hbs(ROWS, { xs: [1] });
      expect(other.runs).to.eql(["row"]);
      expect([...one.errors, ...other.errors]).to.eql([]);
    } finally {
      await Promise.all([one.cache.close(), other.cache.close()]);
    }
  });
});

describe("fragments in a cache: an error in a block", () => {
  for (const [store, options] of stores) {
    it(`in ${store} surfaces once with its position, and nothing of the page is stored`, async () => {
      const { cache, errors, hbs, njk } = fragmentSite(options());
      const boom = (): never => {
        throw new Error("boom");
      };
      const first = await failure(
        hbs('{{#cache 60 "good"}}x{{/cache}}{{#cache 60 "bad"}}{{boom}}{{/cache}}', { boom }),
      );
      expect([first.message, (first as { fragment?: string }).fragment]).to.eql([
        "boom",
        "fragment/bad",
      ]);
      const second = await failure(
        njk('\n{% cache 60, "bad" %}{{ boom() }}{% endcache %}', { boom }),
      );
      expect(second.message).to.match(/Line 1, Column 28\]\s+Error: boom/);
      expect(await cache.has("fragment/bad")).to.equal(false);
      expect(await cache.has("fragment/good")).to.equal(false);
      expect(errors).to.eql([]);
      expect(await hbs('{{#cache 60 "bad"}}{{boom}}{{/cache}}', { boom: "now" })).to.equal("now");
    });
  }
});

describe("fragments in a cache that is off", () => {
  const page = '{{#cache 60 "a"}}{{run "a"}}{{#cache 60 "b"}}{{run "b"}}{{/cache}}{{/cache}}';

  it("run as if there were no tag, and ask nothing of the store", async () => {
    const keyv = new RecordingKeyv();
    const { cache, hbs, njk, environment } = fragmentSite({ store: keyv, enabled: false });
    environment.addFilter(
      "later",
      filterOf(async (value: number) => value + 1),
      true,
    );
    expect([await hbs(page), await hbs(page)]).to.eql(["a1b1", "a2b2"]);
    expect(await njk('{% cache 60, "c" %}{{ 1 | later }}{% endcache %}')).to.equal("2");
    expect(await cache.fragment("d", {}, () => "d")).to.equal("d");
    expect([keyv.take(), cache.stats().misses]).to.eql([[], 0]);
  });

  it("run on the null store", async () => {
    const { errors, hbs } = fragmentSite({ store: "null:", onNullStore: "silent" });
    expect([await hbs(page), await hbs(page)]).to.eql(["a1b1", "a2b2"]);
    expect(errors).to.eql([]);
  });
});

describe("fragments of two caches in one page", () => {
  it("are kept each in its own, and neither stores a place of the other", async () => {
    const [one, two] = [fragmentSite(), new Cache({ namespace: "two" })];
    let runs = 0;
    const inner = (): Promise<string> =>
      two.fragment("inner", { tags: "two" }, () => `i${(runs += 1)}`);
    const outer = (): Promise<string> =>
      one.cache.fragment("outer", { tags: "one" }, async () => `<${await inner()}>`);
    expect([await outer(), await outer()]).to.eql(["<i1>", "<i1>"]);
    await one.cache.invalidateTags("one");
    expect(await outer()).to.equal("<i1>");
    await two.invalidateTags("two");
    await one.cache.clear();
    expect(await outer()).to.equal("<i2>");
    expect(await two.get("fragment/inner")).to.equal("i2");
  });

  it("meet in one rendering", async () => {
    const [one, two] = [fragmentSite(), fragmentSite({ namespace: "two" })];
    const page = (): Promise<string> =>
      one.cache.withFragments(async () => {
        const part = await two.hbs('{{#cache 60 "b"}}{{run "b"}}{{/cache}}');
        return `${await one.hbs('{{#cache 60 "a"}}{{run "a"}}{{/cache}}')}${part}`;
      });
    expect([await page(), await page()]).to.eql(["a1b1", "a1b1"]);
    expect([...one.runs, ...two.runs]).to.eql(["a", "b"]);
  });
});

describe("fragments in a cache: asynchronous content", () => {
  it("is rendered also where it is not cached this time", async () => {
    const { njk, environment } = fragmentSite();
    environment.addFilter(
      "later",
      filterOf(async (value: number) => value + 1),
      true,
    );
    const source = '{% cache timeout, "c" %}{{ 1 | later }}{% endcache %}';
    expect(await njk(source, { timeout: false })).to.equal("2");
    expect(await njk(source, { timeout: "del" })).to.equal("2");
    expect(await njk(source, { timeout: 60 })).to.equal("2");
  });
});

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error("did not fail"),
    (error: Error) => error,
  );
}
