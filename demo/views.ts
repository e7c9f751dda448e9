// Pages: the list is a Nunjucks template, a package and its tree are Handlebars templates.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Handlebars from "handlebars";
import type { ParameterizedContext } from "koa";
import { installHandlebars } from "koa-caching/handlebars";
import { installNunjucks } from "koa-caching/nunjucks";
import nunjucks from "nunjucks";
import type { Activity, DemoState } from "./activity.js";
import { cache } from "./cache.js";
import { bytes, milliseconds, packagePath, time } from "./format.js";
import { packageTag } from "./services/folders.js";

/** The views there are. */
export type ViewName = "list" | "package" | "tree" | "error";

const folder = fileURLToPath(new URL("views/", import.meta.url));

const environment = new nunjucks.Environment(new nunjucks.FileSystemLoader(folder), {
  autoescape: true,
});
for (const filter of [bytes, milliseconds, time]) environment.addFilter(filter.name, filter);
environment.addGlobal("packagePath", packagePath);
environment.addGlobal("packageTag", packageTag);
const pages = installNunjucks(environment, cache);

const LABELS: Readonly<Record<string, string>> = {
  shown: "shown above",
  cycle: "a cycle",
  missing: "not installed",
  optional: "optional, not installed",
};

const handlebars = Handlebars.create();
const fragments = installHandlebars(handlebars, cache);
handlebars.registerHelper({
  bytes,
  time,
  packageTag,
  label: (state: string) => LABELS[state] ?? "",
  path: (page: string, name: string, version: unknown) =>
    packagePath(page, name, typeof version === "string" ? version : undefined),
});
handlebars.registerPartial("branches", source("branches.hbs"));

const packagePage = handlebars.compile(source("package.hbs"), { strict: true });
const treePage = handlebars.compile(source("tree.hbs"), { strict: true });

const contents: Readonly<Record<ViewName, (data: object) => Promise<string>>> = {
  list: (data) => pages.render("list.njk", data),
  package: (data) => fragments.render(packagePage, data),
  tree: (data) => fragments.render(treePage, data),
  error: (data) => pages.render("error.njk", data),
};

// A comment, which no README can hold: the sanitizer leaves none in.
const PANEL_PLACE = "<!-- what the cache did -->";

/** Puts the panel, which is each request's own, into a page that may be a stored one. */
export function withPanel(page: string, activity: Activity): string {
  return page.replace(PANEL_PLACE, () => environment.render("panel.njk", { activity }));
}

/** Renders a page, all but the panel. */
export async function show(
  ctx: ParameterizedContext<DemoState>,
  view: ViewName,
  title: string,
  data: object,
): Promise<void> {
  const content = await contents[view](data);
  ctx.type = "html";
  ctx.body = environment.render("layout.njk", { title, content, panelPlace: PANEL_PLACE });
}

function source(name: string): string {
  return readFileSync(`${folder}${name}`, "utf8");
}
