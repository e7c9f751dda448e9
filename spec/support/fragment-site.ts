// A cache with both template engines, whose templates say which of their blocks run.
import { callbackify } from "node:util";
import Handlebars from "handlebars";
import nunjucks from "nunjucks";
import { Cache, type CacheOptions } from "../../src/index.js";
import { installHandlebars, type HandlebarsOptions } from "../../src/handlebars/index.js";
import { installNunjucks, type NunjucksRenderer } from "../../src/nunjucks/index.js";

/** Pages over one cache. */
export interface FragmentSite {
  readonly cache: Cache;
  /** The names that `{{run "name"}}` was called with; it gives the name and how often. */
  readonly runs: string[];
  /** What went out as `error` events. */
  readonly errors: Error[];
  /** Renders a Handlebars template. */
  readonly hbs: (template: string, data?: object, runtimeOptions?: object) => Promise<string>;
  /** Renders a Nunjucks template; `{{ run("name") }}`. */
  readonly njk: NunjucksRenderer["renderString"];
  readonly environment: nunjucks.Environment;
}

/** Opens a site. */
export function fragmentSite(
  options: CacheOptions = {},
  stale: Omit<HandlebarsOptions, "digest"> = {},
): FragmentSite {
  const cache = new Cache(options);
  const runs: string[] = [];
  const errors: Error[] = [];
  cache.on("error", ({ error }) => errors.push(error!));
  const run = (name: string): string => {
    runs.push(name);
    return `${name}${runs.filter((known) => known === name).length}`;
  };
  const handlebars = Handlebars.create();
  const renderer = installHandlebars(handlebars, cache, stale);
  handlebars.registerHelper("run", run);
  const environment = new nunjucks.Environment(null, { autoescape: true });
  environment.addGlobal("run", run);
  const { renderString } = installNunjucks(environment, cache, stale);
  const compiled = new Map<string, HandlebarsTemplateDelegate>();
  const compile = (template: string): HandlebarsTemplateDelegate => {
    const known = compiled.get(template) ?? handlebars.compile(template);
    compiled.set(template, known);
    return known;
  };
  return {
    cache,
    runs,
    errors,
    environment,
    hbs: (template, data = {}, runtimeOptions) =>
      renderer.render(compile(template), data, runtimeOptions),
    njk: renderString,
  };
}

/** An asynchronous filter of Nunjucks that gives what a promise of a function brings. */
export function filterOf(fn: (value: any) => Promise<unknown>): (...args: any[]) => void {
  return callbackify(fn);
}
