// Trap B26: fragments behind the packages that bring Nunjucks to Koa.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import Koa from "koa";
import nunjucks from "nunjucks";
import request from "supertest";
import { FRAGMENTS } from "../../src/fragment/fragments.js";
import { fragmentsMiddleware } from "../../src/fragment/middleware.js";
import { fragmentExtension, installNunjucks } from "../../src/nunjucks/index.js";
import { memoryFragments } from "../support/fragment-backend.js";
import { load, optional } from "../support/packages.js";

const page =
  '{% extends "layout.njk" %}{% block body %}{% cache 9, "k", id %}{{ id }}{% endcache %}{% include "row.njk" %}{% endblock %}';
const layout = '<{% block body %}{% endblock %}|{% cache 9, "foot" %}foot{% endcache %}>';
const row = '[{% cache 9, "row", id %}{{ id }}{% endcache %}]';

let views = "";

beforeEach(async () => {
  views = await mkdtemp(join(tmpdir(), "koa-caching-"));
  const files = { "page.njk": page, "layout.njk": layout, "row.njk": row };
  await Promise.all(
    Object.entries(files).map(([name, text]) => writeFile(join(views, name), text)),
  );
});
afterEach(() => rm(views, { recursive: true }));

/** The pages of three users at the same time, twice, of an application in which `set` sets `ctx.render`. */
async function pages(
  fragments: Parameters<typeof fragmentsMiddleware>[0],
  set: Koa.Middleware,
): Promise<string[]> {
  const app = new Koa();
  app.use(set);
  app.use(fragmentsMiddleware(fragments));
  app.use((context) => context["render"]("page", { id: context.query["id"] }));
  const client = request(app.callback());
  const get = (id: string): Promise<string> => client.get(`/?id=${id}`).then(({ text }) => text);
  const users = ["ann", "bob", "cyn"];
  const cold = await Promise.all(users.map(get));
  return [...cold, ...(await Promise.all(users.map(get)))];
}

const ALL = ["ann", "bob", "cyn", "ann", "bob", "cyn"].map((id) => `<${id}[${id}]|foot>`);

describe("Nunjucks in Koa", () => {
  it("B26 fills the fragments behind koa-nunjucks-async", async () => {
    const koaNunjucks = await load("koa-nunjucks-async");
    const { backend, fragments } = memoryFragments();
    const set = koaNunjucks(views, {
      ext: ".njk",
      extensions: { cache: fragmentExtension({ [FRAGMENTS]: fragments }) },
    });
    expect(await pages(fragments, set)).to.eql(ALL);
    expect(backend.entries.size).to.equal(7);
    expect(backend.reads).to.have.length(6);
  });

  it("B26 fills the fragments behind @ladjs/koa-views and consolidate", async () => {
    const koaViews = await load("@ladjs/koa-views");
    const { fragments } = memoryFragments();
    const nunjucksEnv = new nunjucks.Environment(new nunjucks.FileSystemLoader(views));
    installNunjucks(nunjucksEnv, { [FRAGMENTS]: fragments });
    const set = koaViews(views, {
      extension: "njk",
      map: { njk: "nunjucks" },
      options: { nunjucksEnv },
    });
    expect(await pages(fragments, set)).to.eql(ALL);
  });

  it("B26 fills the fragments of an environment that the application renders with itself", async () => {
    const { fragments } = memoryFragments();
    const environment = new nunjucks.Environment(new nunjucks.FileSystemLoader(views));
    const { render } = installNunjucks(environment, { [FRAGMENTS]: fragments });
    const set: Koa.Middleware = async (context, next) => {
      context["render"] = async (name: string, data: object) => {
        context.body = await render(`${name}.njk`, data);
      };
      await next();
    };
    expect(await pages(fragments, set)).to.eql(ALL);
  });

  it("B26 works in @11ty/nunjucks", async function () {
    const fork = (await optional(this, "@11ty/nunjucks")) as typeof nunjucks;
    const { backend, fragments } = memoryFragments();
    const environment = new fork.Environment(new fork.FileSystemLoader(views));
    const { render } = installNunjucks(environment, { [FRAGMENTS]: fragments });
    for (const id of ["ann", "bob", "ann"]) {
      expect(await render("page.njk", { id })).to.equal(`<${id}[${id}]|foot>`);
    }
    expect(backend.writes.map((keys) => keys.length)).to.eql([3, 2]);
  });
});
