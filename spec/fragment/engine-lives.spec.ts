// Fragments on the engine: how long they live, what ends them, and what is told of them.
import { expect } from "chai";
import type { CacheEvent, CacheOptions } from "../../src/index.js";
import { stopClock } from "../support/clock.js";
import { filterOf, fragmentSite, type FragmentSite } from "../support/fragment-site.js";
import { RecordingKeyv } from "../support/recording-keyv.js";

const stores: readonly [string, () => CacheOptions][] = [
  ["memory", () => ({})],
  ["a Keyv", () => ({ store: new RecordingKeyv() })],
  ["a Keyv with memory in front", () => ({ store: new RecordingKeyv(), memory: {} })],
];
for (const [name, options] of stores) describeLives(name, options);

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
      const template = '{{#cache 10 "t"}}{{f}}{{/cache}}';
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

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error("did not fail"),
    (error: Error) => error,
  );
}
