// Traps A1 to A8: a block that runs later runs in the scope it stood in.
import { expect } from "chai";
import Handlebars from "handlebars";
import { FRAGMENTS } from "../../src/fragment/fragments.js";
import { installHandlebars } from "../../src/handlebars/index.js";
import { memoryFragments } from "../support/fragment-backend.js";
import { expectBoth, expectSame, kitchen } from "../support/handlebars.js";

describe("Handlebars: the scope of a fragment", () => {
  it("A1 keeps @index, @key, @first and @last of its turn of the loop", async () => {
    await expectSame(
      {
        template: '{{#each xs}}{{#cache 9 "r" this}}{{@index}}{{@last}};{{/cache}}{{/each}}',
        data: () => ({ xs: ["a", "b"] }),
      },
      "0false;1true;",
    );
  });

  it("A1 keeps them in loops without a helper, over generators and objects, and in partials", async () => {
    const template =
      '{{#xs}}{{#cache 9 "p" this}}{{@index}}{{.}};{{/cache}}{{/xs}}' +
      '{{#each made}}{{#cache 9 "g" this}}{{@index}}{{.}};{{/cache}}{{/each}}' +
      '{{#each map}}{{#cache 9 "m" @key}}{{@key}}{{@first}};{{/cache}}{{/each}}' +
      "{{#each xs}}{{> row}}{{/each}}";
    const partials = { row: '{{#cache 9 "row" this}}{{@index}}{{.}};{{/cache}}' };
    await expectSame(
      {
        template,
        partials,
        data: () => ({ xs: ["a", "b"], made: letters(), map: { k: 1, l: 2 } }),
      },
      "0a;1b;0y;1z;ktrue;lfalse;0a;1b;",
    );
  });

  it("A2 keeps the loops around it", async () => {
    await expectSame(
      {
        template:
          '{{#each rows}}{{#each this}}{{#cache 9 "c" this}}{{@../index}}.{{@index}} {{/cache}}{{/each}}{{/each}}',
        data: () => ({
          rows: [
            ["a", "b"],
            ["c", "d"],
          ],
        }),
      },
      "0.0 0.1 1.0 1.1 ",
    );
  });

  it("A3 uses an inline partial that is defined outside of it", async () => {
    await expectSame(
      {
        template:
          '{{#*inline "i"}}[{{n}}]{{/inline}}{{#each xs}}{{#cache 9 "p" n}}{{> i}}{{/cache}}{{/each}}',
        data: () => ({ xs: [{ n: 1 }, { n: 2 }] }),
      },
      "[1][2]",
    );
  });

  it("A4 keeps the inline partials of its own call of a compiled layout", async () => {
    const template =
      '{{#> lay id=1}}{{#*inline "x"}}one{{/inline}}{{/lay}}' +
      '{{#> lay id=2}}{{#*inline "x"}}two{{/inline}}{{/lay}}';
    const layout = '{{#cache 9 "l" id}}({{> x}}){{/cache}}';
    const prepare = (hb: typeof Handlebars) => hb.registerPartial("lay", hb.compile(layout));
    await expectSame({ template, prepare, data: () => ({}) }, "(one)(two)");
  });

  it("A5 uses the helpers of its own request", async () => {
    const { handlebars, backend, fragments } = kitchen();
    const template = handlebars.compile('{{#cache 9 "who" @id}}{{who}}{{/cache}}');
    const render = (id: string) =>
      fragments.render(() => template({}, { data: { id }, helpers: { who: () => id } }));
    expect(await Promise.all([render("ann"), render("bob")])).to.eql(["ann", "bob"]);
    expect(backend.entries.get("fragment/who:ann")?.text).to.equal("ann");
    expect(await Promise.all([render("ann"), render("bob")])).to.eql(["ann", "bob"]);
  });

  it("A5 uses the partials of its own request", async () => {
    const { handlebars, fragments } = kitchen();
    const template = handlebars.compile('{{#cache 9 "p" @id}}{{> p}}{{/cache}}');
    const render = (id: string) =>
      fragments.render(() => template({}, { data: { id }, partials: { p: `I am ${id}` } }));
    expect(await Promise.all([render("ann"), render("bob")])).to.eql(["I am ann", "I am bob"]);
  });

  it("A6 keeps the access to prototypes of its own request", async () => {
    const { handlebars, fragments } = kitchen();
    const template = handlebars.compile('{{#cache 9 "x" @id}}[{{u.secret}}]{{/cache}}');
    const u = Object.create({ secret: "s3" }) as object;
    const render = (id: number, options: object) =>
      fragments.render(() => template({ u }, { data: { id }, ...options }));
    const both = [
      render(1, { allowProtoPropertiesByDefault: false }),
      render(2, { allowProtoPropertiesByDefault: true }),
    ];
    expect(await Promise.all(both)).to.eql(["[]", "[s3]"]);
  });

  it("A7 uses the helper that was registered when the tag was met", async () => {
    const { handlebars, backend, fragments } = kitchen();
    handlebars.registerHelper("greet", () => "old");
    backend.arrival = async () => handlebars.registerHelper("greet", () => "new");
    const template = handlebars.compile('{{#cache 9 "x"}}{{greet}}{{/cache}}');
    expect(await fragments.render(() => template({}))).to.equal("old");
  });

  it("A8 works in templates that were compiled, but not run, before the installation", async () => {
    const handlebars = Handlebars.create();
    const template = handlebars.compile('{{#cache 9 "who" @id}}{{who}}{{/cache}}');
    const { fragments } = memoryFragments();
    const { render } = installHandlebars(handlebars, { [FRAGMENTS]: fragments });
    const of = (id: string) => render(template, {}, { data: { id }, helpers: { who: () => id } });
    expect(await Promise.all([of("ann"), of("bob")])).to.eql(["ann", "bob"]);
  });

  it("keeps block parameters, ../, @root, private data, lookup and with", async () => {
    const template =
      "{{#each rows as |row i|}}{{#each row.cells as |cell|}}" +
      '{{#cache 9 "c" i cell}}{{i}}{{cell}}{{../name}}{{@root.title}}{{@mine}}{{lookup ../list @index}}' +
      "{{#with ../deep}}{{x}}{{/with}};{{/cache}}{{/each}}{{/each}}";
    await expectSame(
      {
        template,
        data: () => ({
          title: "T",
          rows: [
            { name: "n", cells: ["a", "b"], list: [5, 6], deep: { x: "X" } },
            { name: "m", cells: ["c"], list: [7], deep: { x: "Y" } },
          ],
        }),
        runtimeOptions: () => ({ data: { mine: "!" } }),
      },
      "0anT!5X;0bnT!6X;1cmT!7Y;",
    );
  });

  it("keeps private data that has a class", async () => {
    class Request {
      readonly user = "ann";
      get shout(): string {
        return this.user.toUpperCase();
      }
    }
    await expectSame(
      {
        template: '{{#each xs}}{{#cache 9 "c" this}}{{@user}}{{@index}}{{/cache}}{{/each}}',
        data: () => ({ xs: [1, 2] }),
        runtimeOptions: () => ({ data: Object.assign(new Request(), { root: { xs: [1, 2] } }) }),
      },
      "ann0ann1",
    );
  });

  it("runs dynamic partials, partial blocks, decorators and raw blocks", async () => {
    const template =
      '{{#each xs}}{{#cache 9 "d" this}}{{> (lookup @root "which")}}{{/cache}}{{/each}}' +
      '{{#> box n=1}}in{{/box}}{{#cache 9 "b"}}{{#> box n=2}}{{@root.which}}{{/box}}{{/cache}}' +
      '{{{{raw}}}}{{#cache 9 "n"}}{{{{/raw}}}}';
    const partials = {
      one: "({{.}})",
      box: '<{{#cache 9 "box" n}}{{> @partial-block}}{{/cache}}>',
    };
    const helpers = { raw: (options: { fn: () => string }) => options.fn() };
    await expectSame(
      { template, partials, helpers, data: () => ({ xs: ["a", "b"], which: "one" }) },
      '(a)(b)<in><one>{{#cache 9 "n"}}',
    );
  });

  it("obeys white-space control", async () => {
    await expectSame(
      { template: 'a {{~#cache 9 "k"~}} b {{~/cache~}} c', data: () => ({}) },
      "abc",
    );
  });

  it("A23 gives one-shot iterators their only run", async () => {
    await expectSame(
      {
        template: '{{#each g}}{{#cache 9 "i" this}}{{.}}{{@index}}{{/cache}}{{/each}}',
        data: () => ({ g: letters() }),
      },
      "y0z1",
    );
  });

  it("A23 iterates in the block", async () => {
    await expectBoth(
      {
        template: '{{#cache 9 "i"}}{{#each g}}{{.}}{{@index}}{{/each}}{{/cache}}',
        data: () => ({ g: letters() }),
      },
      "y0z1",
    );
  });
});

function* letters(): Generator<string> {
  yield "y";
  yield "z";
}
