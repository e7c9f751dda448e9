// Fragments on the engine: what they cost, how long they live, and what is told of them.
import { expect } from "chai";
import { Cache, type CacheEvent, type CacheOptions } from "../../src/index.js";
import { stopClock } from "../support/clock.js";
import { filterOf, fragmentSite, type FragmentSite } from "../support/fragment-site.js";
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
for (const [name, options] of stores) describeLives(name, options);

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

function describeLives(store: string, options: () => CacheOptions): void {
  describe(`fragments in ${store}: their lives`, () => {
    const clock = stopClock();
    let site: FragmentSite;
    beforeEach(() => {
      site = fragmentSite(options());
    });

    const timed = (timeout: string): string => `{{#cache ${timeout} "t"}}{{run "t"}}{{/cache}}`;

    /** Renders at once, after a time, and after more of it; cached blocks run again when they must. */
    async function texts(timeout: string, ...seconds: readonly number[]): Promise<string[]> {
      const given = [await site.hbs(timed(timeout))];
      for (const pause of seconds) {
        // oxlint-disable-next-line no-await-in-loop
        await clock.pass(pause);
        // oxlint-disable-next-line no-await-in-loop
        given.push(await site.hbs(timed(timeout)));
      }
      return given;
    }

    it("end with their timeout", async () => {
      expect(await texts("60", 59, 2)).to.eql(["t1", "t1", "t2"]);
    });

    it("have the cache's timeout for null and undefined", async () => {
      expect(await texts("null", 299, 2)).to.eql(["t1", "t1", "t2"]);
      await site.cache.clear();
      expect(await texts("undefined", 299, 2)).to.eql(["t3", "t3", "t4"]);
    });

    it("never end with 0", async () => {
      expect(await texts("0", 1e9)).to.eql(["t1", "t1"]);
    });

    it("are not asked for with false, and stay as they are", async () => {
      expect(await texts("60", 1)).to.eql(["t1", "t1"]);
      expect(await texts("false", 1)).to.eql(["t2", "t3"]);
      expect(await texts("60")).to.eql(["t1"]);
    });

    it('are deleted by "del", and not stored', async () => {
      expect(await texts("60", 1)).to.eql(["t1", "t1"]);
      expect(await texts('"del"', 1)).to.eql(["t2", "t3"]);
      expect(await texts("60", 1)).to.eql(["t4", "t4"]);
    });

    it("end with clear(), deleteFragment() and their tags", async () => {
      const tagged = '{{#cache 60 "t" 7 tags="x"}}{{run "t"}}{{/cache}}';
      expect(await site.hbs(tagged)).to.equal("t1");
      await site.cache.clear();
      expect(await site.hbs(tagged)).to.equal("t2");
      expect(await site.cache.deleteFragment("t", [7])).to.equal(true);
      expect(await site.hbs(tagged)).to.equal("t3");
      await site.cache.invalidateTags("y");
      expect(await site.hbs(tagged)).to.equal("t3");
      await site.cache.invalidateTags("x");
      expect([await site.hbs(tagged), await site.hbs(tagged)]).to.eql(["t4", "t4"]);
    });

    it("are made anew where they are asked for with a tag that they do not carry", async () => {
      const tagged = (tags: string): Promise<string> =>
        site.hbs('{{#cache 60 "t" tags=tags}}{{run "t"}}{{/cache}}', { tags });
      expect([await tagged("x"), await tagged("x"), await tagged("y")]).to.eql(["t1", "t1", "t2"]);
      await site.cache.invalidateTags("y");
      expect(await tagged("y")).to.equal("t3");
    });

    it("have the key that code gives them", async () => {
      await site.njk('{% cache 60, "t", 7, ["a", "b"] %}text{% endcache %}');
      const key = site.cache.makeTemplateFragmentKey("t", [7, ["a", "b"]]);
      expect(await site.cache.has(key)).to.equal(true);
    });

    it("are served stale while they are made anew, once, in the background", async () => {
      const { cache, runs, errors, hbs } = fragmentSite(options(), { staleWhileRevalidate: 60 });
      await hbs(timed("10"));
      await clock.pass(11);
      expect(await Promise.all([hbs(timed("10")), hbs(timed("10"))])).to.eql(["t1", "t1"]);
      await cache.idle();
      expect(await hbs(timed("10"))).to.equal("t2");
      expect(runs).to.have.length(2);
      await clock.pass(71);
      expect(await hbs(timed("10"))).to.equal("t3");
      expect(errors).to.eql([]);
      const { stale, misses } = cache.stats().functions.get("t")!;
      expect([stale, misses]).to.eql([2, 2]);
    });

    it("stay when making them anew fails, and an event says so", async () => {
      const { cache, errors, hbs } = fragmentSite(options(), { staleWhileRevalidate: 60 });
      const template = '{{#cache 10 "t"}}{{call f}}{{/cache}}'.replace("call f", "f");
      await hbs(template, { f: "text" });
      await clock.pass(11);
      const broken = (): never => {
        throw new Error("no text");
      };
      expect(await hbs(template, { f: broken })).to.equal("text");
      await cache.idle();
      expect(errors.map(({ message }) => message)).to.eql(["no text"]);
      expect(await hbs(template, { f: "new" })).to.equal("text");
      await cache.idle();
      expect(await hbs(template, { f: "newer" })).to.equal("new");
    });

    it("are served past their time when their block fails, but not past an invalidation", async () => {
      const { cache, errors, hbs } = fragmentSite(options(), { staleIfError: 60 });
      const template = '{{#cache 10 "t" tags="x"}}{{f}}{{/cache}}';
      const broken = (): never => {
        throw new Error("no text");
      };
      await hbs(template, { f: "text" });
      await clock.pass(11);
      expect(await hbs(template, { f: broken })).to.equal("text");
      expect(errors.map(({ message }) => message)).to.eql(["no text"]);
      await cache.invalidateTags("x");
      expect(await failure(hbs(template, { f: broken }))).to.include({ message: "no text" });
    });

    it("are not served past an invalidation that came while their block ran", async () => {
      const { cache, environment, njk } = fragmentSite(options(), { staleIfError: 60 });
      let fails = false;
      const part = async (): Promise<string> => {
        if (!fails) return "text";
        await cache.invalidateTags("x");
        throw new Error("no text");
      };
      environment.addFilter("part", filterOf(part), true);
      const source = '{% cache 10, "t", tags=["x"] %}{{ 1 | part }}{% endcache %}';
      await njk(source);
      await clock.pass(11);
      fails = true;
      expect((await failure(njk(source))).message).to.include("no text");
    });

    it("are told of: hits, misses, writes, and in the counts", async () => {
      const told: string[] = [];
      for (const kind of ["hit", "miss", "stale", "write", "delete"] as const) {
        site.cache.on(kind, ({ name, key }: CacheEvent) => told.push(`${kind} ${name} ${key}`));
      }
      await site.hbs(timed("60"));
      await site.cache.idle();
      await site.hbs(timed("60"));
      await site.hbs(timed('"del"'));
      expect(told).to.eql([
        "miss t fragment/t",
        "write t fragment/t",
        "hit t fragment/t",
        "delete undefined fragment/t",
      ]);
      const counts = site.cache.stats().functions.get("t")!;
      expect(counts).to.include({ hits: 1, misses: 1, writes: 1, stale: 0, errors: 0 });
    });
  });
}

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
