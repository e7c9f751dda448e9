// Traps B18 to B27 and C1 to C3: transformed blocks, arguments, errors, asynchronous content, crosstalk.
import { runInNewContext } from "node:vm";
import { expect } from "chai";
import nunjucks from "nunjucks";
import { FRAGMENTS } from "../../src/fragment/fragments.js";
import { FragmentError } from "../../src/errors.js";
import { fragmentExtension, installNunjucks } from "../../src/nunjucks/index.js";
import { memoryFragments } from "../support/fragment-backend.js";
import {
  expectBoth,
  expectSame,
  kitchen,
  plain,
  transparent,
  type Case,
  type Kitchen,
} from "../support/nunjucks.js";

const main = (template: string, rest: Partial<Case> = {}): Case => ({
  templates: { main: template },
  ...rest,
});

async function failure(
  given: Case,
  made: Kitchen = kitchen(given),
): Promise<Error & { fragment?: string }> {
  return made.render("main", given.data?.()).then(
    (text) => expect.fail(`rendered ${text}`),
    (error: Error) => error,
  );
}

describe("Nunjucks: a fragment within something that transforms its block", () => {
  const cases: readonly [string, string, string][] = [
    ["filter upper", '{% filter upper %}a{% cache 9,"k" %}b{% endcache %}{% endfilter %}', "AB"],
    ["filter lower", '{% filter lower %}A{% cache 9,"k" %}B{% endcache %}{% endfilter %}', "ab"],
    [
      "filter capitalize",
      '{% filter capitalize %}{% cache 9,"k" %}bC{% endcache %}{% endfilter %}',
      "Bc",
    ],
    ["filter title", '{% filter title %}{% cache 9,"k" %}b c{% endcache %}{% endfilter %}', "B C"],
    [
      "filter forceescape",
      '{% filter forceescape %}{% cache 9,"k" %}<b>{% endcache %}{% endfilter %}',
      "&lt;b&gt;",
    ],
    [
      "filter indent",
      '{% filter indent(2) %}a\n{% cache 9,"k" %}x\ny{% endcache %}\nz{% endfilter %}',
      "a\n  x\n  y\n  z",
    ],
    [
      "filter striptags",
      '{% filter striptags %}{% cache 9,"k" %}<b>x</b>{% endcache %}{% endfilter %}',
      "x",
    ],
    [
      "filter striptags(true)",
      '{% filter striptags(true) %}{% cache 9,"k" %}<b>x</b>{% endcache %}{% endfilter %}',
      "x",
    ],
    [
      "filter replace",
      '{% filter replace("b", "z") %}{% cache 9,"k" %}abc{% endcache %}{% endfilter %}',
      "azc",
    ],
    [
      "filter truncate",
      '{% filter truncate(3, true, "") %}{% cache 9,"k" %}abcdef{% endcache %}{% endfilter %}',
      "abc",
    ],
    [
      "filter urlencode",
      '{% filter urlencode %}{% cache 9,"k" %}a b{% endcache %}{% endfilter %}',
      "a%20b",
    ],
    [
      "filter nl2br",
      '{% filter nl2br %}{% cache 9,"k" %}a\nb{% endcache %}{% endfilter %}',
      "a&lt;br /&gt;\nb",
    ],
    [
      "filter dump",
      '{% filter dump %}{% cache 9,"k" %}a"b{% endcache %}{% endfilter %}',
      "&quot;a&#92;&quot;b&quot;",
    ],
    [
      "filter reverse",
      '{% filter reverse %}{% cache 9,"k" %}abc{% endcache %}{% endfilter %}',
      "cba",
    ],
    [
      "a filtered macro",
      '{% macro m() %}{% cache 9,"k" %}b{% endcache %}{% endmacro %}{{ m() | upper }}',
      "B",
    ],
    [
      "an escaped block set",
      '{% set s %}{% cache 9,"k" %}<b>{% endcache %}{% endset %}{{ s }}',
      "&lt;b&gt;",
    ],
    [
      "a block set in an attribute",
      '{% set s %}{% cache 9,"k" %}"{% endcache %}{% endset %}<a title="{{ s }}">',
      '<a title="&quot;">',
    ],
  ];
  for (const [name, template, expected] of cases) {
    it(`B18 ${name} transforms it, too`, async () => {
      const { warnings } = await expectSame(main(template), expected);
      expect(warnings).to.have.length(1);
    });
  }

  it("B18 filter trim trims it, and the page is rendered once", async () => {
    const { warnings } = await expectSame(
      main('[{% filter trim %}{% cache 9,"k" %} x {% endcache %}y {% endfilter %}]', {
        options: { autoescape: false },
      }),
      "[x y]",
    );
    expect(warnings).to.eql([]);
  });

  it("B19 what measures the block sees that something is there: a limit", async () => {
    const measured = main(
      '{% set s %}{% cache 9,"k" %}{% endcache %}{% endset %}{% if s %}full{% else %}empty{% endif %}',
    );
    expect(await plain(measured)).to.equal("empty");
    expect(await kitchen(measured).render("main")).to.equal("full");
  });

  it("B20 sees what is changed by reference later: a limit", async () => {
    const late = main(
      '{% set a=[1] %}{% cache 9,"k" %}{{ a | join }}{% endcache %}{% set _ = a.push(2) %}{{ a | join }}',
    );
    expect(await plain(late)).to.equal("112");
    await expectBoth(late, "1212");
  });

  it("is safe markup: escaped once, as its block did it", async () => {
    const template =
      '{% macro m() %}{% cache 9,"k" %}<b>{{ t }}</b>{% endcache %}{% endmacro %}{{ m() }}';
    await expectSame(main(template, { data: () => ({ t: "<" }) }), "<b>&lt;</b>");
    await expectSame(
      main('{% cache 9,"k" %}<b>{{ t }}</b>{% endcache %}', { data: () => ({ t: "<" }) }),
      "<b>&lt;</b>",
    );
  });
});

describe("Nunjucks: asynchronous content of a fragment", () => {
  it("is waited for: filters, loops, conditions", async () => {
    const template =
      '{% for x in [1,2] %}{% cache 9,"k",x %}{{ x | later }}{% asyncEach y in [3,4] %}{{ y | later }}{% endeach %}{% if x | later %}{{ loop.index }}{% endif %};{% endcache %}{% endfor %}';
    await expectBoth(main(template, { prepare: later }), "1!3!4!1;2!3!4!2;");
  });

  it("B21 is an error where it cannot be waited for", async () => {
    const template = '{% cache 9,"k" %}{{ 1 | later }}{% endcache %}';
    const { environment } = kitchen(main(template, { prepare: later }));
    const error = await new Promise<Error>((resolve) => {
      environment.render("main", {}, (thrown) => resolve(thrown as Error));
    });
    expect(error.message).to.match(/asynchronous.*withFragments/);
  });

  it("is waited for in a page whose text is changed", async () => {
    const template = '{% cache 9,"k" %}{{ t | later }}{% endcache %}';
    const made = kitchen(main(template, { prepare: later }));
    expect(await toJson(made, "a")).to.equal('"a!"');
    expect(await shout(made, "b")).to.equal('"a!"');
    made.backend.entries.clear();
    expect(await shout(made, "c")).to.equal('"c!"');
    made.backend.entries.clear();
    expect(await shout(made, "d")).to.equal('"d!"');
    expect(made.backend.entries.get("fragment/k")?.text).to.equal("d!");
  });

  it("may come from loaders that are asynchronous, with digests", async () => {
    const templates: Record<string, string> = {
      main: '{% cache 9,"k" %}{% include "a" %}{{ t }}{% endcache %}',
      a: '[{% include "b" %}]',
      b: "b",
    };
    class AsyncLoader extends nunjucks.Loader {
      async = true;
      getSource(name: string, done: (error: Error | null, source?: object) => void): never {
        setImmediate(() => {
          const src = templates[name];
          if (src === undefined) done(new Error(`no ${name}`));
          else done(null, { src, path: name, noCache: true });
        });
        return undefined as never;
      }
    }
    const { fragments } = memoryFragments();
    const environment = new nunjucks.Environment(new AsyncLoader() as never);
    const { render } = installNunjucks(environment, { [FRAGMENTS]: fragments });
    expect(await render("main", { t: 1 })).to.equal("[b]1");
    expect(await render("main", { t: 2 })).to.equal("[b]1");
    templates["b"] = "B";
    expect(await render("main", { t: 3 })).to.equal("[B]3");
  });
});

describe("Nunjucks: an error in a fragment", () => {
  const broken = {
    fail: () => {
      throw new Error("broken");
    },
  };
  const cases: readonly [string, Case][] = [
    ["of a call", main('a\nb{% cache 9,"k" %}{{ fail() }}{% endcache %}', { data: () => broken })],
    [
      "of a call after others",
      main('{{ f() }}\n{% cache 9,"k" %}\n{{ fail() }}{% endcache %}', {
        data: () => ({ ...broken, f: () => "" }),
      }),
    ],
    [
      "of a filter",
      main('{{ f() }}{% cache 9,"k" %}\n{{ 1 | gone }}{% endcache %}', {
        data: () => ({ f: () => "" }),
      }),
    ],
    ["of what is not a function", main('{% cache 9,"k" %}{{ nothing.at.all() }}{% endcache %}')],
    [
      "of an undefined value",
      main('\n{% cache 9,"k" %}{{ nothing }}{% endcache %}', {
        options: { throwOnUndefined: true },
      }),
    ],
    [
      "in development",
      main('\n{% cache 9,"k" %}{{ nothing() }}{% endcache %}', { options: { dev: true } }),
    ],
  ];
  for (const [name, given] of cases) {
    it(`B22 ${name} has the words, the name and the position of Nunjucks`, async () => {
      const expected = await plain(given).then(
        () => expect.fail("no error"),
        (error: Error) => error,
      );
      const made = kitchen(given);
      const error = await failure(given, made);
      expect(error.message).to.equal(expected.message);
      expect(error.name).to.equal(expected.name);
      expect(error.fragment).to.equal("fragment/k");
      expect(made.backend.entries.size).to.equal(0);
    });
  }

  it("B22 in an included template has that one's name", async () => {
    const templates = {
      main: '\n{% include "inc" %}',
      inc: '\n{% cache 9,"k" %}{{ fail() }}{% endcache %}',
    };
    const error = await failure({ templates, data: () => broken });
    expect(error.message).to.match(/^\(inc\) \[Line 1, Column \d+\]\n {2}Error: broken/);
  });

  it("B22 may be thrown with a line of its own, and is what it was", async () => {
    const mine = Object.assign(new Error("mine"), { lineno: 7 });
    const given = main('{% cache 9,"k" %}{{ fail() }}{% endcache %}', {
      data: () => ({
        fail: () => {
          throw mine;
        },
      }),
    });
    expect((await failure(given)).message).to.equal("mine");
  });

  it("B22 of a loader counts as a missing template, and fails where it is used", async () => {
    class Broken extends nunjucks.Loader {
      getSource(name: string): never {
        if (name === "main") {
          const src = '{% cache 9,"k" %}{% if no %}{% include "x" %}{% endif %}b{% endcache %}';
          return { src, path: name, noCache: false } as never;
        }
        throw new Error("disk on fire");
      }
    }
    const { fragments } = memoryFragments();
    const environment = new nunjucks.Environment(new Broken());
    const { render } = installNunjucks(environment, { [FRAGMENTS]: fragments });
    expect(await render("main")).to.equal("b");
  });

  it("B22 an undefined vary value is none", async () => {
    await expectBoth(
      main('{% cache 9,"k",nothing %}b{% endcache %}', { options: { throwOnUndefined: true } }),
      "b",
    );
  });
});

describe("Nunjucks: the arguments of the tag", () => {
  it("B23 are a timeout, a name, vary values and tags", async () => {
    const given = main('{% cache (60 * 5), "s", user.id, tags=["x", t] %}b{% endcache %}', {
      data: () => ({ user: { id: 7 }, t: "y" }),
    });
    const { backend } = await expectBoth(given, "b");
    expect([...backend.entries.keys()]).to.eql(["fragment/s:7"]);
    expect([...backend.entries.values()][0]?.tags).to.eql(new Set(["x", "y"]));
    await expectBoth(main('{% cache 9, "s", tags="x" %}b{% endcache %}'), "b");
  });

  const timeouts: readonly [string, number | undefined][] = [
    ["300", 300_000],
    ['"5m"', 300_000],
    ['"5m" | safe', 300_000],
    ["(60*5)", 300_000],
    ["0", Infinity],
    ["none", undefined],
    ["None", undefined],
    ["300 if true else false", 300_000],
  ];
  for (const [written, expected] of timeouts) {
    it(`B23 ${written} is ${expected === undefined ? "the default" : `${expected} ms`}`, async () => {
      const given = kitchen(main(`{% cache ${written}, "k" %}b{% endcache %}`));
      let asked: number | undefined = -1;
      const read = given.backend.read.bind(given.backend);
      given.backend.read = (requests) => {
        asked = requests[0]!.timeout;
        return read(requests);
      };
      await given.render("main");
      expect(asked).to.equal(expected);
    });
  }

  it('false leaves the cache alone, "del" deletes and does not store', async () => {
    const given = kitchen(main('{% cache timeout, "k" %}{{ t }}{% endcache %}'));
    expect(await given.render("main", { timeout: 9, t: 1 })).to.equal("1");
    expect(await given.render("main", { timeout: false, t: 2 })).to.equal("2");
    expect(given.backend.entries.size).to.equal(1);
    expect(await given.render("main", { timeout: "del", t: 3 })).to.equal("3");
    expect(given.backend.entries.size).to.equal(0);
  });

  const wrong: readonly [string, string, RegExp][] = [
    ["no arguments", "{% cache %}b{% endcache %}", /needs a timeout and a name/],
    ["no name", "{% cache 9 %}b{% endcache %}", /needs a timeout and a name/],
    ["an empty name", '{% cache 9, "" %}b{% endcache %}', /needs a name.*got ""/],
    ["an undefined name", "{% cache 9, nothing %}b{% endcache %}", /needs a name.*got undefined/],
    [
      "a group",
      '{% cache (300, "s"), "k" %}b{% endcache %}',
      /timeout of the fragment "k".*got "s"/,
    ],
    ["a timeout without a unit", '{% cache "soon", "k" %}b{% endcache %}', /timeout.*got "soon"/],
    ["a negative timeout", '{% cache -1, "k" %}b{% endcache %}', /timeout.*got -1/],
    [
      "a vary value that is an object",
      '{% cache 9, "k", user %}b{% endcache %}',
      /Vary value 1.*an object.*\[cachingId\]/,
    ],
    [
      "tags that are no names",
      '{% cache 9, "k", tags=[1] %}b{% endcache %}',
      /tags of the fragment "k".*a list with 1/,
    ],
    [
      "an unknown argument",
      '{% cache 9, "k", tag="x" %}b{% endcache %}',
      /no argument tag=; it has tags= and deps=/,
    ],
    ["no commas", '{% cache 9 "k" %}b{% endcache %}', /commas between them/],
    [
      "an argument of endcache",
      '{% cache 9, "k" %}b{% endcache "k" %}',
      /\{% endcache %\} has no arguments/,
    ],
    ["no end", '{% cache 9, "k" %}b', /its \{% endcache %\} is missing/],
    ["{% else %}", '{% cache 9, "k" %}b{% else %}c{% endcache %}', /unknown block tag: else/],
    [
      "{% extends %} in it",
      '{% cache 9, "k" %}{% extends "x" %}{% endcache %}',
      /extends %\} cannot stand in a fragment/,
    ],
  ];
  for (const [what, template, message] of wrong) {
    it(`${what} is an error with template and line`, async () => {
      const error = await failure(
        main(`<p>\n{{ f() }}${template}`, { data: () => ({ user: {}, f: () => "" }) }),
      );
      expect(error.message).to.match(/^\(main\) \[Line 2, Column \d+\]/);
      expect(error.message).to.match(message);
    });
  }
});

describe("Nunjucks: the digest of a fragment", () => {
  const page = '{% cache 9,"k" %}{% include "row" %}{{ t }}{% endcache %}';
  const templates = (): Record<string, string> => ({
    main: page,
    row: '[{% include "cell" %}]',
    cell: "cell",
    other: "o",
  });

  it("outdates it when its template, an include, or an include of that is edited", async () => {
    const made = kitchen({ templates: templates() });
    expect(await made.render("main", { t: 1 })).to.equal("[cell]1");
    made.templates["other"] = "O";
    expect(await made.render("main", { t: 2 })).to.equal("[cell]1");
    made.templates["cell"] = "CELL";
    expect(await made.render("main", { t: 3 })).to.equal("[CELL]3");
    made.templates["row"] = '({% include "cell" %})';
    expect(await made.render("main", { t: 4 })).to.equal("(CELL)4");
    made.templates["main"] = `${page} `;
    expect(await made.render("main", { t: 5 })).to.equal("(CELL)5 ");
  });

  it("knows imports, parents, relative names, recursion and missing templates", async () => {
    const files: Record<string, string> = {
      main: '{% extends "layout" %}{% import "lib" as lib %}{% block c %}{% cache 9,"k" %}{{ lib.m() }}{{ t }}{% if no %}{% include "gone" ignore missing %}{% include "main" %}{% endif %}{% endcache %}{% endblock %}',
      layout: "<{% block c %}{% endblock %}>",
      lib: "{% macro m() %}m{% endmacro %}",
    };
    const made = kitchen({ templates: files });
    expect(await made.render("main", { t: 1 })).to.equal("<m1>");
    files["lib"] = "{% macro m() %}M{% endmacro %}";
    expect(await made.render("main", { t: 2 })).to.equal("<M2>");
    files["layout"] = "({% block c %}{% endblock %})";
    expect(await made.render("main", { t: 3 })).to.equal("(M3)");
    expect(await made.render("main", { t: 4 })).to.equal("(M3)");
  });

  it("needs to be told the templates whose names are computed", async () => {
    const files: Record<string, string> = {
      ...templates(),
      main: '{% cache 9,"k" %}{% include which %}{{ t }}{% endcache %}',
    };
    const made = kitchen({ templates: files });
    await made.render("main", { which: "cell", t: 1 });
    await made.render("main", { which: "cell", t: 1 });
    expect(made.warnings).to.have.length(1);
    expect(made.warnings[0]).to.match(
      /^main includes a template whose name is computed.*line 1.*deps=/,
    );
    files["main"] = '{% cache 9,"k",deps=["cell"] %}{% include which %}{{ t }}{% endcache %}';
    const told = kitchen({ templates: files });
    expect(await told.render("main", { which: "cell", t: 1 })).to.equal("cell1");
    files["cell"] = "CELL";
    expect(await told.render("main", { which: "cell", t: 2 })).to.equal("CELL2");
    expect(told.warnings).to.eql([]);
  });

  it("can be turned off", async () => {
    const made = kitchen({ templates: templates() }, { digest: false });
    await made.render("main", { t: 1 });
    made.templates["main"] = `${page} `;
    expect(await made.render("main", { t: 2 })).to.equal("[cell]1 ");
  });

  it("B24 is in precompiled templates, too", async () => {
    const files = templates();
    const builder = kitchen({ templates: files }).environment;
    const precompiled: Record<string, unknown> = {};
    const window = { nunjucksPrecompiled: precompiled };
    const load = (name: string): void => {
      const code = nunjucks.precompileString(files[name]!, { name, env: builder });
      runInNewContext(code, { window });
    };
    for (const name of Object.keys(files)) load(name);
    const environment = new nunjucks.Environment(
      new nunjucks.PrecompiledLoader(precompiled as never),
    );
    const { backend, fragments } = memoryFragments();
    const { render } = installNunjucks(environment, { [FRAGMENTS]: fragments });
    expect(await render("main", { t: 1 })).to.equal("[cell]1");
    expect(await render("main", { t: 2 })).to.equal("[cell]1");
    expect(backend.reads).to.have.length(2);
    files["cell"] = "CELL";
    load("cell");
    const next = new nunjucks.Environment(new nunjucks.PrecompiledLoader(precompiled as never));
    const again = installNunjucks(next, { [FRAGMENTS]: fragments });
    expect(await again.render("main", { t: 3 })).to.equal("[CELL]3");
  });
});

describe("Nunjucks: pages at the same time", () => {
  it("B25 do not mix", async () => {
    const templates = {
      main: '{% import "lib" as lib %}{% for x in xs %}{% cache 9,"o",who,x %}{{ who }}{{ x }}{% include "inc" %}{{ lib.m(who, x) }}{% endcache %}{% endfor %}',
      inc: '{% cache 9,"i",who,x %}<{{ who }}{{ loop.index }}>{% endcache %}',
      lib: '{% macro m(who, x) %}{% cache 9,"m",who,x %}({{ who }}{{ x }}){% endcache %}{% endmacro %}',
    };
    const made = kitchen({ templates });
    let reads = 0;
    made.backend.arrival = () =>
      new Promise((resolve) => ((reads += 1) % 2 ? setImmediate(resolve) : resolve(undefined)));
    const names = Array.from({ length: 60 }, (_, index) => `n${index % 30}`);
    const pages = await Promise.all(
      names.map((who) => made.render("main", { who, xs: ["a", "b"] })),
    );
    expect(pages).to.eql(names.map((who) => `${who}a<${who}1>(${who}a)${who}b<${who}2>(${who}b)`));
  });

  it("C1 and C2 run their blocks each in its own context, errors included", async () => {
    const made = kitchen(
      main('{% cache 9,"k",id %}{{ id }}{% if id == "C" %}{{ fail() }}{% endif %}{% endcache %}'),
    );
    const page = (id: string) =>
      made.backend.collect(async () => {
        await made
          .render("main", {
            id,
            fail: () => {
              throw new Error("broken");
            },
          })
          .catch(() => undefined);
        made.backend.tag(`after ${id}`);
      });
    expect(await Promise.all(["A", "B", "C"].map(page))).to.eql([
      ["after A"],
      ["after B"],
      ["after C"],
    ]);
  });

  it("B27 and C3 keep their fragments behind a filter that calls back in another one's context", async () => {
    const waiting: (() => void)[] = [];
    const batched = (environment: nunjucks.Environment): void => {
      environment.addFilter(
        "batched",
        (value: unknown, done: (error: unknown, text: unknown) => void) => {
          waiting.push(() => done(null, value));
          if (waiting.length === 1) setImmediate(() => waiting.splice(0).forEach((call) => call()));
        },
        true,
      );
    };
    const given = main('{{ 1 | batched }}{% cache 9,"k",id %}{{ id }}{% endcache %}', {
      prepare: batched,
    });
    const made = kitchen(given);
    expect(await Promise.all(["A", "B"].map((id) => made.render("main", { id })))).to.eql([
      "1A",
      "1B",
    ]);
    // Where the template cannot carry its rendering, the page fails instead of showing a placeholder.
    const bare = kitchen(given);
    const foreign = (id: string): Promise<string> =>
      bare.fragments.render(
        () =>
          new Promise((resolve, reject) => {
            bare.environment.render("main", { id }, (error, text) =>
              error ? reject(error) : resolve(text!),
            );
          }),
      );
    const ended = await Promise.allSettled(["A", "B"].map(foreign));
    expect(ended.map(({ status }) => status)).to.include("rejected");
    for (const end of ended) {
      if (end.status === "fulfilled") expect(end.value).to.match(/^1[AB]$/);
      else expect(end.reason).to.be.instanceOf(FragmentError);
    }
  });
});

describe("Nunjucks: installation", () => {
  it("refuses what is not an environment, or works otherwise inside", () => {
    const cache = { [FRAGMENTS]: memoryFragments().fragments };
    expect(() => installNunjucks({} as never, cache)).to.throw(/Nunjucks 3\.2.*not an environment/);
    class Strange extends nunjucks.Environment {
      override renderString(): never {
        throw new Error("I am different");
      }
    }
    const strange = new Strange();
    expect(() => installNunjucks(strange, cache)).to.throw(/an environment that differs/);
    expect(strange.hasExtension("koa-caching")).to.equal(false);
    const occupied = new nunjucks.Environment([]);
    occupied.addExtension("mine", transparent);
    expect(() => installNunjucks(occupied, cache)).to.throw(/has a tag named cache already/);
    expect(() =>
      installNunjucks(new nunjucks.Environment([]), cache, { digest: 1 } as never),
    ).to.throw(/digest must be true or false; got 1/);
  });

  it("works with other delimiters, and twice for one cache, but not for two", async () => {
    const { fragments } = memoryFragments();
    const environment = new nunjucks.Environment([], {
      tags: { blockStart: "<%", blockEnd: "%>", variableStart: "<$", variableEnd: "$>" },
    });
    installNunjucks(environment, { [FRAGMENTS]: fragments });
    const { renderString } = installNunjucks(environment, { [FRAGMENTS]: fragments });
    expect(await renderString('<% cache 9,"k" %><$ t $><% endcache %>', { t: 1 })).to.equal("1");
    const other = { [FRAGMENTS]: memoryFragments().fragments };
    expect(() => installNunjucks(environment, other)).to.throw(/has a tag named cache already/);
  });

  it("gives an extension for integrations that make the environment", async () => {
    const { fragments, backend } = memoryFragments();
    const environment = new nunjucks.Environment([]);
    environment.addExtension("anything", fragmentExtension({ [FRAGMENTS]: fragments }));
    const page = () =>
      fragments.render(() => environment.renderString('<{% cache 9,"k" %}b{% endcache %}>', {}));
    expect(await page()).to.equal("<b>");
    expect(await page()).to.equal("<b>");
    expect(backend.writes).to.have.length(1);
  });

  it("B24 a precompiled tag without its extension is an error of Nunjucks", () => {
    const { environment } = kitchen(main(""));
    const code = nunjucks.precompileString('{% cache 9,"k" %}b{% endcache %}', {
      name: "t",
      env: environment,
    });
    const window: { nunjucksPrecompiled?: object } = {};
    runInNewContext(code, { window });
    const bare = new nunjucks.Environment(
      new nunjucks.PrecompiledLoader(window.nunjucksPrecompiled as never),
    );
    expect(() => bare.render("t")).to.throw(/reading 'run'/);
  });
});

describe("Nunjucks: the costs of a page", () => {
  it("are one read, no write and no block for a hundred hot fragments", async () => {
    let runs = 0;
    const given = main(
      '{% for x in xs %}{% cache 9,"c",x %}{{ tick() }}{% endcache %}{% endfor %}',
    );
    const made = kitchen(given);
    const data = {
      xs: Array.from({ length: 100 }, (_, index) => index),
      tick: () => (runs++, "t"),
    };
    await made.render("main", data);
    expect({ runs, reads: made.backend.reads.length, writes: made.backend.writes.length }).to.eql({
      runs: 100,
      reads: 1,
      writes: 1,
    });
    made.backend.reset();
    await made.render("main", data);
    expect({ runs, reads: made.backend.reads.length, writes: made.backend.writes }).to.eql({
      runs: 100,
      reads: 1,
      writes: [],
    });
  });
});

function later(environment: nunjucks.Environment): void {
  environment.addFilter(
    "later",
    (value: unknown, done: (error: unknown, text: unknown) => void) => {
      setImmediate(() => done(null, `${String(value)}!`));
    },
    true,
  );
}

function toJson(from: Kitchen, t: string): Promise<string> {
  return from.fragments.render(async () => JSON.stringify(await from.render("main", { t })));
}

/** Renders into JSON, with the placeholders still in the text. */
function shout(from: Kitchen, t: string): Promise<string> {
  return from.fragments.render(
    () =>
      new Promise((resolve, reject) => {
        from.environment.render("main", { t }, (error, text) =>
          error ? reject(error) : resolve(JSON.stringify(text)),
        );
      }),
  );
}
