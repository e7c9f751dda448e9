// An edited template outdates what was made from it; precompiled templates; compile options.
import { expect } from "chai";
import { createRequire } from "node:module";
import { runInThisContext } from "node:vm";
import Handlebars from "handlebars";
import { FRAGMENTS } from "../../src/fragment/fragments.js";
import { installHandlebars } from "../../src/handlebars/index.js";
import { memoryFragments } from "../support/fragment-backend.js";
import { expectSame, kitchen, type Case, type Kitchen } from "../support/handlebars.js";

const page = '{{#cache 9 "k"}}{{> row}}{{text}}{{/cache}}';
const partials = { row: "[{{> cell}}]", cell: "cell", other: "other" };
const data = () => ({ text: "1", which: "row" });

async function cachedPage(
  template = page,
): Promise<Kitchen & { again: (changed?: Partial<Case>) => Promise<string> }> {
  const made = kitchen();
  const again = (changed: Partial<Case> = {}) =>
    made.render({ template, partials, data, ...changed });
  await again();
  return { ...made, again };
}

describe("Handlebars: the digest of a fragment", () => {
  it("leaves it alone while its template is the same", async () => {
    const { again } = await cachedPage();
    expect(await again({ data: () => ({ text: "2" }) })).to.equal("[cell]1");
  });

  it("outdates it when the block, or anything in its file, is edited", async () => {
    const { again } = await cachedPage();
    const edited = { template: `${page} `, data: () => ({ text: "2" }) };
    expect(await again(edited)).to.equal("[cell]2 ");
  });

  it("outdates it when a partial is edited, or the partial of a partial", async () => {
    const { handlebars, again } = await cachedPage();
    handlebars.registerPartial("cell", "CELL");
    expect(await again()).to.equal("[CELL]1");
    handlebars.registerPartial("row", "({{> cell}})");
    expect(await again()).to.equal("(CELL)1");
    handlebars.registerPartial("cell", handlebars.compile("compiled"));
    expect(await again()).to.equal("(compiled)1");
    handlebars.registerPartial("cell", handlebars.compile("compiled!"));
    expect(await again()).to.equal("(compiled!)1");
  });

  it("leaves it alone when another partial is edited", async () => {
    const { handlebars, again } = await cachedPage();
    handlebars.registerPartial("other", "OTHER");
    expect(await again({ data: () => ({ text: "2" }) })).to.equal("[cell]1");
  });

  it("depends on all partials where the name of one is computed", async () => {
    const computed = '{{#cache 9 "k"}}{{> (lookup . "which")}}{{text}}{{/cache}}';
    const { handlebars, again } = await cachedPage(computed);
    handlebars.registerPartial("other", "OTHER");
    const twice = { data: () => ({ text: "2", which: "row" }) };
    expect(await again(twice)).to.equal("[cell]2");
  });

  it("looks at the partials of the rendering first", async () => {
    const { handlebars, fragments } = kitchen();
    const template = handlebars.compile('{{#cache 9 "k"}}{{> row}}{{/cache}}');
    const render = (row: string) => fragments.render(() => template({}, { partials: { row } }));
    expect(await render("one")).to.equal("one");
    expect(await render("two")).to.equal("two");
  });

  it("does not mind recursion and partials that are missing", async () => {
    const loop = {
      tree: '{{#cache 9 "t" id}}{{id}}{{#each kids}}{{> tree}}{{/each}}{{#if x}}{{> gone}}{{/if}}{{/cache}}',
    };
    await expectSame(
      { template: "{{> tree}}", partials: loop, data: () => ({ id: 1, kids: [{ id: 2 }] }) },
      "12",
    );
  });

  it("can be turned off", async () => {
    const made = kitchen({ digest: false });
    await made.render({ template: page, partials, data });
    const edited = { template: `${page} `, partials, data: () => ({ text: "2" }) };
    expect(await made.render(edited)).to.equal("[cell]1 ");
  });
});

describe("Handlebars: templates of all kinds", () => {
  const options: readonly [string, CompileOptions][] = [
    ["strict", { strict: true }],
    ["compat", { compat: true }],
    ["noEscape", { noEscape: true }],
    ["data: false", { data: false }],
    ["knownHelpersOnly", { knownHelpersOnly: true, knownHelpers: { cache: true } }],
    ["explicitPartialContext", { explicitPartialContext: true }],
  ];
  for (const [name, compileOptions] of options) {
    it(`A26 may be compiled with ${name}`, async () => {
      const template =
        '{{#each xs}}{{#cache 9 "x" .}}{{.}}{{../t}};{{/cache}}{{/each}}{{#cache 9 "y"}}{{> p}}{{/cache}}';
      const expected = compileOptions.noEscape ? "1<;2<;p" : "1&lt;;2&lt;;p";
      await expectSame(
        { template, compileOptions, partials: { p: "p" }, data: () => ({ xs: [1, 2], t: "<" }) },
        expected,
      );
    });
  }

  it("A27 may be precompiled, with the digest of their source", async () => {
    const builder = kitchen().handlebars;
    const { backend, fragments } = memoryFragments();
    const runtime = createRequire(import.meta.url)("handlebars/runtime") as typeof Handlebars;
    const instance = runtime.create();
    const { render } = installHandlebars(instance, { [FRAGMENTS]: fragments });
    const load = (source: string) => instance.template(evaluate(builder.precompile(source)));
    instance.registerPartial("row", load("[{{> cell}}]"));
    instance.registerPartial("cell", load("cell"));
    const made = load(page);
    expect(await render(made, { text: 1 })).to.equal("[cell]1");
    expect(await render(made, { text: 2 })).to.equal("[cell]1");
    expect(backend.entries.get("fragment/k")?.digest).to.be.a("string");
    instance.registerPartial("cell", load("CELL"));
    expect(await render(made, { text: 3 })).to.equal("[CELL]3");
    expect(await render(load(`${page}!`), { text: 4 })).to.equal("[CELL]4!");
  });

  it("A27 may be precompiled by an instance without the tag, and then have no digest", async () => {
    const { handlebars, backend, fragments } = kitchen();
    const made = handlebars.template(
      evaluate(Handlebars.precompile('{{#cache 9 "k"}}{{text}}{{/cache}}')),
    );
    expect(await fragments.render(() => made({ text: 1 }))).to.equal("1");
    expect(await fragments.render(() => made({ text: 2 }))).to.equal("1");
    expect(backend.entries.get("fragment/k")?.digest).to.equal(undefined);
  });

  it("A27 a string partial does not take its page's name", async () => {
    const given = {
      template: "{{> row}}",
      partials: { row: "{{#cache 9}}{{/cache}}" },
      compileOptions: { srcName: "page.hbs" } as CompileOptions,
    };
    const message = await kitchen()
      .render(given)
      .catch((error: Error) => error.message);
    expect(message).to.match(/in the partial "row", line 1/);
  });

  it("A27 may have computed and broken partials among the precompiled ones", async () => {
    const { handlebars, fragments } = kitchen();
    const source = '{{#cache 9 "k"}}{{> row}}{{text}}{{/cache}}';
    const computed = '{{> (lookup . "which")}}';
    handlebars.registerPartial(
      "row",
      handlebars.template(evaluate(Handlebars.precompile(computed))),
    );
    handlebars.registerPartial("cell", "cell");
    handlebars.registerPartial("broken", "{{#if}");
    handlebars.registerPartial("unknown", Handlebars.compile("compiled elsewhere"));
    const template = handlebars.compile(source);
    const render = (text: number) => fragments.render(() => template({ text, which: "cell" }));
    expect(await render(1)).to.equal("cell1");
    expect(await render(2)).to.equal("cell1");
    handlebars.registerPartial("broken", "mended");
    expect(await render(3)).to.equal("cell3");
  });

  it("may be parsed before they are compiled", async () => {
    const { handlebars, fragments } = kitchen();
    const made = handlebars.compile(handlebars.parse('{{#cache 9 "k"}}b{{/cache}}'));
    expect(await fragments.render(() => made({}))).to.equal("b");
  });
});

describe("Handlebars: installation", () => {
  it("refuses what is not Handlebars, or works otherwise inside", () => {
    const cache = { [FRAGMENTS]: memoryFragments().fragments };
    expect(() => installHandlebars({} as never, cache)).to.throw(
      /knows the inside of Handlebars 4\.7.*is not a Handlebars instance/,
    );
    const strange = Handlebars.create();
    const template = strange.template.bind(strange);
    strange.template = (specification) => {
      const made = template(specification);
      return (context: unknown) => made(context).toUpperCase();
    };
    const before = strange.template;
    expect(() => installHandlebars(strange, cache)).to.throw(/this is 4\.7\.\d+, which differs/);
    expect(strange.template).to.equal(before);
    expect(strange.helpers["cache"]).to.equal(undefined);
    const broken = Handlebars.create();
    broken.compile = () => {
      throw new Error("no compiler");
    };
    expect(() => installHandlebars(broken, cache)).to.throw(/which differs/);
  });

  it("refuses options that it does not have", () => {
    const cache = { [FRAGMENTS]: memoryFragments().fragments };
    const install = (options: object) => () =>
      installHandlebars(Handlebars.create(), cache, options);
    expect(install({ digests: true })).to.throw(/Did you mean digest\?/);
    expect(install({ digest: 1 })).to.throw(/digest must be true or false; got 1/);
    expect(install({ staleIfError: -1 })).to.throw(/staleIfError/);
  });
});

function evaluate(code: unknown): TemplateSpecification {
  return runInThisContext(`(${String(code)})`) as TemplateSpecification;
}
