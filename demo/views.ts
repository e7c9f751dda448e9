// Pages: the list is a Nunjucks template, a package and its tree are Handlebars templates.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Handlebars from "handlebars";
import type { ParameterizedContext } from "koa";
import nunjucks from "nunjucks";
import type { Activity, DemoState } from "./activity.js";
import { bytes, milliseconds, packagePath, time } from "./format.js";

/** The views there are. */
export type ViewName = "list" | "package" | "tree" | "error";

const folder = fileURLToPath(new URL("views/", import.meta.url));

const environment = new nunjucks.Environment(new nunjucks.FileSystemLoader(folder), {
  autoescape: true,
});
for (const filter of [bytes, milliseconds, time]) environment.addFilter(filter.name, filter);
environment.addGlobal("packagePath", packagePath);

const LABELS: Readonly<Record<string, string>> = {
  shown: "shown above",
  cycle: "a cycle",
  missing: "not installed",
  optional: "optional, not installed",
};

const handlebars = Handlebars.create();
handlebars.registerHelper({
  bytes,
  time,
  label: (state: string) => LABELS[state] ?? "",
  path: (page: string, name: string, version: unknown) =>
    packagePath(page, name, typeof version === "string" ? version : undefined),
});
handlebars.registerPartial("branches", source("branches.hbs"));

const contents: Readonly<Record<ViewName, (data: object) => string | Promise<string>>> = {
  list: (data: object) => environment.render("list.njk", data),
  package: handlebars.compile(source("package.hbs"), { strict: true }),
  tree: handlebars.compile(source("tree.hbs"), { strict: true }),
  error: (data: object) => environment.render("error.njk", data),
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
