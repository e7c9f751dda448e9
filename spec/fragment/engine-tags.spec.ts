// Fragments on the engine: what is read in a block leaves its tags on all that is built from it.
import { expect } from "chai";
import { runInRequestContext, type CacheOptions } from "../../src/index.js";
import { servePage } from "../support/fragment-page.js";
import { filterOf, fragmentSite, type FragmentSite } from "../support/fragment-site.js";
import { RecordingKeyv } from "../support/recording-keyv.js";

interface Names {
  readonly site: FragmentSite;
  /** What the database says. */
  name: string;
  readonly forgetUser: () => Promise<void>;
}

/** A site with a memoized function, which templates reach as the filter `userName`. */
function named(options: CacheOptions): Names {
  const site = fragmentSite(options);
  const { cache, environment } = site;
  const getUser = cache.memoize(
    { tags: (_user: unknown, id: number) => [`user:${id}`] },
    async function getUser(id: number) {
      return { id, name: names.name };
    },
  );
  const userName = async (id: number): Promise<string> => (await getUser(id)).name;
  environment.addFilter("userName", filterOf(userName), true);
  const names = { site, name: "Ann", forgetUser: () => cache.deleteMemoized(getUser) };
  return names;
}

const INNER = '{% cache 60, "inner", tags=["inner"] %}{{ 7 | userName }}{% endcache %}';
const OUTER = `{% cache 60, "outer" %}<${INNER}>{% endcache %}`;

const stores: readonly [string, () => CacheOptions][] = [
  ["memory", () => ({})],
  ["a Keyv", () => ({ store: new RecordingKeyv() })],
];

for (const [store, options] of stores) {
  describe(`fragments in ${store}: tags travel`, () => {
    let names: Names;
    let site: FragmentSite;
    beforeEach(() => {
      names = named(options());
      ({ site } = names);
    });

    const outdates: readonly [string, () => Promise<unknown>][] = [
      ["the tag of a function in a block", () => site.cache.invalidateTags("user:7")],
      ["forgetting that function", () => names.forgetUser()],
      ["the tag of the inner fragment", () => site.cache.invalidateTags("inner")],
    ];
    const pages: readonly [string, (source: string) => () => Promise<string>][] = [
      ["an outer fragment", (source) => () => site.njk(source)],
      [
        "a memoized function",
        (source) =>
          site.cache.memoize({}, async function page() {
            return site.njk(source);
          }),
      ],
      [
        "a cached function",
        (source) => {
          const page = site.cache.cached({}, async () => site.njk(source));
          return () => runInRequestContext("/page", () => page());
        },
      ],
      [
        "a fragment in code",
        (source) => () => site.cache.fragment("code", {}, () => site.njk(source)),
      ],
    ];
    for (const [what, outdate] of outdates) {
      for (const [page, make] of pages) {
        it(`${what} outdates ${page} around it`, async () => {
          const render = make(OUTER);
          expect(await render()).to.equal("<Ann>");
          names.name = "Anna";
          expect(await render()).to.equal("<Ann>");
          await outdate();
          if (what.startsWith("the tag of the inner")) await names.forgetUser();
          expect(await render()).to.equal("<Anna>");
        });

        it(`${what} outdates ${page} around it, when the inner one was a hit`, async () => {
          expect(await site.njk(INNER)).to.equal("Ann");
          const render = make(OUTER);
          expect(await render()).to.equal("<Ann>");
          names.name = "Anna";
          expect(await render()).to.equal("<Ann>");
          await outdate();
          if (what.startsWith("the tag of the inner")) await names.forgetUser();
          expect(await render()).to.equal("<Anna>");
        });
      }
    }

    it("the tag of a fragment that is not stored this time reaches those around it", async () => {
      const source = (timeout: string): string =>
        `{% cache 60, "o" %}<{% cache ${timeout}, "i", tags=["i"] %}{{ 7 | userName }}{% endcache %}>{% endcache %}`;
      for (const timeout of ["false", '"del"']) {
        names.name = "Ann";
        // oxlint-disable-next-line no-await-in-loop
        await Promise.all([site.cache.clear(), names.forgetUser()]);
        // oxlint-disable-next-line no-await-in-loop
        expect(await site.njk(source(timeout)), timeout).to.equal("<Ann>");
        names.name = "Anna";
        // oxlint-disable-next-line no-await-in-loop
        await site.cache.invalidateTags("user:7");
        // oxlint-disable-next-line no-await-in-loop
        expect(await site.njk(source(timeout)), timeout).to.equal("<Anna>");
      }
    });

    it("a page around them is outdated with them", async () => {
      const page = await servePage(site.cache, () => site.njk(OUTER));
      try {
        expect(await page.get("/")).to.equal("<Ann>");
        names.name = "Anna";
        expect(await page.get("/")).to.equal("<Ann>");
        await site.cache.invalidateTags("user:7");
        expect(await page.get("/")).to.equal("<Anna>");
        expect(page.runs()).to.equal(2);
      } finally {
        await page.close();
      }
    });

    it("a hit leaves its tags on the page around it", async () => {
      await site.njk(OUTER);
      const page = await servePage(site.cache, () => site.njk(OUTER));
      try {
        expect([await page.get("/"), await page.get("/")]).to.eql(["<Ann>", "<Ann>"]);
        names.name = "Anna";
        await site.cache.invalidateTags("user:7");
        expect(await page.get("/")).to.equal("<Anna>");
      } finally {
        await page.close();
      }
    });

    it("an invalidation while a block runs outdates what the block gives", async () => {
      const { cache, environment, njk } = site;
      let text = "old";
      const slow = async (): Promise<string> => {
        const read = text;
        if (read === "old") {
          text = "new";
          await cache.invalidateTags("x");
        }
        return read;
      };
      environment.addFilter("slow", filterOf(slow), true);
      const source = '{% cache 60, "s", tags=["x"] %}{{ 1 | slow }}{% endcache %}';
      expect([await njk(source), await njk(source)]).to.eql(["old", "new"]);
    });

    it("what a function makes of a template within a rendering holds no place of that rendering", async () => {
      const { cache, environment, njk, runs } = site;
      const widget = cache.memoize({}, async function widget(name: string) {
        return njk(`{% cache 60, "w", "${name}" %}w-{{ run("w") }}{% endcache %}`);
      });
      const bare = cache.memoize({}, async function bare(name: string) {
        return environment.renderString(`{% cache 60, "v", "${name}" %}v{% endcache %}`, {});
      });
      environment.addFilter("widget", filterOf(widget), true);
      environment.addFilter("bare", filterOf(bare), true);
      const source =
        '{% cache 60, "o" %}<{{ "a" | widget | safe }}{{ "a" | bare | safe }}>{% endcache %}';
      expect(await njk(source)).to.equal("<w-w1v>");
      expect([await widget("a"), await bare("a")]).to.eql(["w-w1", "v"]);
      expect(runs).to.eql(["w"]);
    });

    it("nor does it if the function is given the variables of the template", async () => {
      const { cache, environment, njk } = site;
      const inner = cache.memoize(
        { argsKey: () => "" },
        async function inner(variables: object): Promise<string> {
          return environment.renderString('{% cache 60, "z" %}{{ v }}{% endcache %}', variables);
        },
      );
      const filter = function filter(this: { ctx: object }): Promise<string> {
        return inner(this.ctx);
      };
      environment.addFilter("inner", filterOf(filter), true);
      expect(await njk("<{{ 1 | inner }}>", { v: "text" })).to.equal("<text>");
      expect(await inner({})).to.equal("text");
    });
  });
}
