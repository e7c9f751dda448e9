// Fragments on the engine: renderings at the same time share what they make, and wait in no circle.
import { setImmediate as immediate } from "node:timers/promises";
import { expect } from "chai";
import type { CacheOptions } from "../../src/index.js";
import { filterOf, fragmentSite, type FragmentSite } from "../support/fragment-site.js";
import { RecordingKeyv } from "../support/recording-keyv.js";

const stores: readonly [string, () => CacheOptions][] = [
  ["memory", () => ({})],
  ["a Keyv", () => ({ store: new RecordingKeyv() })],
];

for (const [store, options] of stores) {
  describe(`fragments in ${store}: renderings at the same time`, () => {
    let site: FragmentSite;
    beforeEach(() => {
      site = fragmentSite(options());
    });

    it("run each block once, for fifty cold pages", async () => {
      const page =
        '{{#cache 60 "a"}}{{run "a"}}{{#cache 60 "b"}}{{run "b"}}{{/cache}}{{/cache}}' +
        '{{#each xs}}{{#cache 60 "r" this}}{{run this}}{{/cache}}{{/each}}';
      const xs = ["p", "q", "s", "t", "u", "v"];
      const pages = await Promise.all(Array.from({ length: 50 }, () => site.hbs(page, { xs })));
      expect(new Set(pages)).to.eql(new Set(["a1b1p1q1s1t1u1v1"]));
      expect(site.runs).to.have.length(8);
      const { misses, hits } = site.cache.stats().functions.get("r")!;
      expect(misses + hits).to.equal(300);
    });

    it("run each block once, for pages with different sets of fragments", async () => {
      const page = '{{#each xs}}{{#cache 60 "r" this}}{{run this}}{{/cache}}{{/each}}';
      const rows = ["p", "q", "s", "t", "u", "v"];
      const lists = Array.from({ length: 20 }, (_, start) => [
        ...rows.slice(start % 6),
        ...rows.slice(0, start % 6),
      ]);
      await Promise.all(lists.map((xs) => site.hbs(page, { xs })));
      expect(site.runs.toSorted()).to.eql(rows);
    });

    it("share the failure of a block, and try again afterwards", async () => {
      let calls = 0;
      site.environment.addFilter(
        "boom",
        filterOf(async () => {
          calls += 1;
          await immediate();
          throw new Error("boom");
        }),
        true,
      );
      const source = '{% cache 60, "e" %}{{ 1 | boom }}{% endcache %}';
      const told = await Promise.allSettled(Array.from({ length: 10 }, () => site.njk(source)));
      expect(told.map(({ status }) => status)).to.eql(Array(10).fill("rejected"));
      expect(calls).to.equal(1);
      await site.njk(source).catch(() => undefined);
      expect(calls).to.equal(2);
      expect(site.errors).to.eql([]);
    });

    it("end where fragments hold each other in a circle", async () => {
      const part = (names: readonly string[]): Promise<string> => {
        const [name, ...rest] = names;
        if (name === undefined) return Promise.resolve("");
        return site.cache.fragment(name, {}, async () => {
          await immediate();
          return name + (await part(rest));
        });
      };
      const pages = await Promise.all([
        part(["a", "b", "c"]),
        part(["b", "c", "a"]),
        part(["c", "a", "b"]),
      ]);
      expect(pages.map(([first]) => first)).to.eql(["a", "b", "c"]);
    });

    it("end where two pages nest the same fragments the other way round", async () => {
      const nested = (outer: string, inner: string): Promise<string> =>
        site.njk(
          `{% cache 60, "${outer}" %}${outer}{% cache 60, "${inner}" %}${inner}{% endcache %}{% endcache %}`,
        );
      const pages = await Promise.all([nested("a", "b"), nested("b", "a")]);
      expect(pages.map(([first]) => first)).to.eql(["a", "b"]);
    });

    it("end where a block waits for a function that waits for the page", async () => {
      let depth = 0;
      const page = site.cache.memoize({}, async function page(): Promise<string> {
        depth += 1;
        if (depth > 3) return "deep";
        return site.njk('{% cache 60, "p" %}<{{ 1 | again | safe }}>{% endcache %}');
      });
      site.environment.addFilter(
        "again",
        filterOf(() => page()),
        true,
      );
      expect(await page()).to.match(/^<+deep>+$|^<+.*>+$/);
    });

    it("end where a block waits for another fragment of its page, which has fragments itself", async () => {
      const aside = async (): Promise<string> => {
        await immediate();
        return site.cache.fragment("a", {}, () => "own");
      };
      site.environment.addFilter("aside", filterOf(aside), true);
      const sources = [
        '{% cache 60, "a" %}A{% endcache %}{% cache 60, "c" %}{{ 1 | aside }}{% endcache %}',
        '{% cache 60, "a" %}A{% cache 60, "b" %}B{% endcache %}{% endcache %}{% cache 60, "c" %}{{ 1 | aside }}{% endcache %}',
        '{% cache 60, "a" %}A{% cache 60, "b" %}{{ 1 | aside }}{% endcache %}{% endcache %}',
      ];
      for (const source of sources) {
        // oxlint-disable-next-line no-await-in-loop
        await site.cache.clear();
        // oxlint-disable-next-line no-await-in-loop
        expect(await site.njk(source)).to.match(/^A/);
      }
    });

    it("end where a block waits for its own fragment in code", async () => {
      let depth = 0;
      const inner = async (): Promise<string> => {
        depth += 1;
        return depth > 3 ? "deep" : site.cache.fragment("p", {}, inner);
      };
      expect(await site.cache.fragment("p", {}, inner)).to.equal("deep");
    });

    it("a fragment that is computed beside another page carries what it read", async () => {
      let name = "Ann";
      const getUser = site.cache.memoize({ tags: ["user"] }, async function getUser() {
        return name;
      });
      const part = (names: readonly string[]): Promise<string> => {
        const [key, ...rest] = names;
        if (key === undefined) return getUser();
        return site.cache.fragment(key, { tags: [`of:${key}`] }, async () => {
          await immediate();
          return key + (await part(rest));
        });
      };
      await Promise.all([part(["a", "b"]), part(["b", "a"])]);
      name = "Anna";
      await site.cache.invalidateTags("user");
      expect(await part(["a", "b"])).to.equal("abAnna");
      await site.cache.clear();
      await Promise.all([part(["a", "b"]), part(["b", "a"])]);
      name = "Bea";
      await site.cache.deleteMemoized(getUser);
      await site.cache.invalidateTags("of:b");
      expect(await part(["a"])).to.equal("aBea");
    });

    it("nobody waits for a page that was outdated meanwhile", async () => {
      let release!: () => void;
      const gate = new Promise<void>((resolve) => (release = resolve));
      let started!: () => void;
      const running = new Promise<void>((resolve) => (started = resolve));
      let runs = 0;
      const render = async (): Promise<string> => {
        runs += 1;
        const own = runs;
        started();
        if (own === 1) await gate;
        return `text ${own}`;
      };
      const first = site.cache.fragment("t", { tags: ["x"] }, render);
      await running;
      await site.cache.invalidateTags("x");
      expect(await site.cache.fragment("t", { tags: ["x"] }, render)).to.equal("text 2");
      release();
      expect(await first).to.equal("text 1");
      expect(await site.cache.fragment("t", { tags: ["x"] }, render)).to.equal("text 2");
    });

    it("A5 and A6 keep the helpers, partials and prototypes of their own request", async () => {
      const page = '{{#cache 9 "who" @id}}{{who}}{{> p}}[{{u.secret}}]{{/cache}}';
      const u = Object.create({ secret: "s" }) as object;
      const render = (id: string): Promise<string> =>
        site.hbs(
          page,
          { u },
          {
            data: { id },
            helpers: { who: () => id },
            partials: { p: `I am ${id}` },
            allowProtoPropertiesByDefault: id === "ann",
          },
        );
      const both = ["annI am ann[s]", "bobI am bob[]"];
      expect(await Promise.all([render("ann"), render("bob")])).to.eql(both);
      expect(await Promise.all([render("ann"), render("bob")])).to.eql(both);
    });
  });
}
