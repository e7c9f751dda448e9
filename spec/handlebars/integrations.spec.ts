// Traps A29 to A32: fragments behind the packages that bring Handlebars to Koa, and beside its plugins.
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect } from "chai";
import Handlebars from "handlebars";
import Koa from "koa";
import request from "supertest";
import { FRAGMENTS } from "../../src/fragment/fragments.js";
import { fragmentsMiddleware } from "../../src/fragment/middleware.js";
import { installHandlebars } from "../../src/handlebars/index.js";
import { memoryFragments } from "../support/fragment-backend.js";
import { load, optional } from "../support/packages.js";

const require = createRequire(import.meta.url);
let views = "";

beforeEach(async () => {
  views = await mkdtemp(join(tmpdir(), "koa-caching-"));
});
afterEach(() => rm(views, { recursive: true }));

async function write(files: Record<string, string>): Promise<void> {
  await Promise.all(
    Object.entries(files).map(async ([name, text]) => {
      await mkdir(dirname(join(views, name)), { recursive: true });
      await writeFile(join(views, name), text);
    }),
  );
}

/** An application in which `set` sets `ctx.render`, and every request renders `page`. */
function application(
  fragments: Parameters<typeof fragmentsMiddleware>[0],
  set: Koa.Middleware,
  locals: (context: Koa.Context) => object,
): ReturnType<typeof request> {
  const app = new Koa();
  app.use(set);
  app.use(fragmentsMiddleware(fragments));
  app.use((context) => context["render"]("page", locals(context)));
  return request(app.callback());
}

describe("Handlebars behind koa-hbs", () => {
  it("A31 fills the fragments of the page, its partials, its blocks and its layout, in one read", async () => {
    const koaHbs = await load("koa-hbs");
    const { backend, fragments } = memoryFragments();
    const hbs = koaHbs.create();
    installHandlebars(hbs.handlebars, { [FRAGMENTS]: fragments });
    await write({
      "page.hbs":
        '{{#contentFor "side"}}{{#cache 9 "side"}}SIDE{{/cache}}{{/contentFor}}{{#cache 9 "page" id}}page{{id}}{{/cache}}{{> row}}',
      "layouts/main.hbs": '<{{{body}}}|{{{block "side"}}}|{{#cache 9 "foot"}}foot{{/cache}}>',
      "partials/row.hbs": '{{#cache 9 "row" id}}row{{id}}{{/cache}}',
    });
    const set = hbs.middleware({
      viewPath: views,
      layoutsPath: join(views, "layouts"),
      partialsPath: join(views, "partials"),
      defaultLayout: "main",
    });
    const client = application(fragments, set, ({ query }) => ({ id: query["id"] }));
    expect((await client.get("/?id=1")).text).to.equal("<page1row1|SIDE|foot>");
    expect(backend.reads).to.have.length(1);
    expect((await client.get("/?id=1")).text).to.equal("<page1row1|SIDE|foot>");
    expect((await client.get("/?id=2")).text).to.equal("<page2row2|SIDE|foot>");
    expect(backend.writes.map((keys) => keys.length)).to.eql([4, 2]);
  });
});

describe("Handlebars behind @ladjs/koa-views and consolidate", () => {
  it("A32 fills the fragments, though helpers are registered for all", async () => {
    const koaViews = await load("@ladjs/koa-views");
    const { backend, fragments } = memoryFragments();
    const handlebars = Handlebars.create();
    installHandlebars(handlebars, { [FRAGMENTS]: fragments });
    const consolidate = createRequire(require.resolve("@ladjs/koa-views"))("@ladjs/consolidate");
    consolidate.requires.handlebars = handlebars;
    await write({ "page.hbs": '<{{#cache 9 "k" id}}{{who}}{{/cache}}>' });
    const set = koaViews(views, {
      extension: "hbs",
      map: { hbs: "handlebars" },
      engineSource: consolidate,
    });
    const client = application(fragments, set, ({ query }) => ({
      id: query["id"],
      helpers: { who: () => query["id"] },
    }));
    const pages = ["ann", "bob", "ann"].map((id) =>
      client.get(`/?id=${id}`).then(({ text }) => text),
    );
    expect(await Promise.all(pages)).to.eql(["<ann>", "<bob>", "<ann>"]);
    expect((await client.get("/?id=bob")).text).to.equal("<bob>");
    expect([...backend.entries.keys()].toSorted()).to.eql(["fragment/k:ann", "fragment/k:bob"]);
  });
});

describe("Handlebars behind express-handlebars", () => {
  it("fills the fragments that renderView() leaves, with helpers and partials of each rendering", async () => {
    const { create } = await load("express-handlebars");
    const { backend, fragments } = memoryFragments();
    const handlebars = Handlebars.create();
    installHandlebars(handlebars, { [FRAGMENTS]: fragments });
    await write({
      "page.hbs": ' {{#cache 9 "k" id}} {{who}}{{> row}} {{/cache}} ',
      "layouts/main.hbs": '<{{{body}}}{{#cache 9 "foot"}}foot{{/cache}}>\n',
      "partials/row.hbs": '[{{#cache 9 "row" id}}{{id}}{{/cache}}]',
    });
    const engine = create({
      handlebars,
      extname: ".hbs",
      layoutsDir: join(views, "layouts"),
      partialsDir: join(views, "partials"),
    });
    const set: Koa.Middleware = (context, next) => {
      context["render"] = async (name: string, locals: object) => {
        context.body = await engine.renderView(join(views, `${name}.hbs`), locals);
      };
      return next();
    };
    const client = application(fragments, set, ({ query }) => ({
      id: query["id"],
      helpers: { who: () => query["id"] },
    }));
    const page = (id: string) => client.get(`/?id=${id}`).then(({ text }) => text);
    expect(await Promise.all(["a", "b"].map(page))).to.eql(["<a[a]foot>", "<b[b]foot>"]);
    expect(await page("a")).to.equal("<a[a]foot>");
    expect(backend.entries.get("fragment/k:a")?.text).to.equal(" a[a] ");
    await write({ "partials/row.hbs": '({{#cache 9 "row" id}}{{id}}{{/cache}})' });
    expect(await page("a")).to.equal("<a(a)foot>");
  });
});

describe("Handlebars beside its plugins", () => {
  it("A29 works with handlebars-async-helpers", async function () {
    const wrap = await optional(this, "handlebars-async-helpers");
    const { backend, fragments } = memoryFragments();
    const handlebars = wrap(Handlebars) as typeof Handlebars;
    installHandlebars(handlebars, { [FRAGMENTS]: fragments });
    handlebars.registerHelper("later", async (value: string) => `${value}!`);
    const template = handlebars.compile(
      '{{#each xs}}{{#cache 9 "k" this}}{{@index}}{{later this}}{{/cache}};{{/each}}',
    );
    const page = () => fragments.render(() => template({ xs: ["a", "b"] }));
    expect(await page()).to.equal("0a!;1b!;");
    expect(await page()).to.equal("0a!;1b!;");
    expect(backend.writes).to.have.length(1);
  });

  it("A30 works with handlebars-layouts", async function () {
    const layouts = await optional(this, "handlebars-layouts");
    const { fragments } = memoryFragments();
    const handlebars = Handlebars.create();
    installHandlebars(handlebars, { [FRAGMENTS]: fragments });
    layouts.register(handlebars);
    handlebars.registerPartial(
      "layout",
      '<{{#cache 9 "head" id}}{{#block "head"}}default{{/block}}{{/cache}}|{{#block "body"}}{{/block}}>',
    );
    const template = handlebars.compile(
      '{{#cache 9 "all" id}}{{#extend "layout"}}{{#content "body"}}{{#cache 9 "body" id}}{{id}}{{/cache}}{{/content}}{{/extend}}{{/cache}}',
    );
    for (const id of [1, 2, 1]) {
      expect(await fragments.render(() => template({ id }))).to.equal(`<default|${id}>`);
    }
  });
});
