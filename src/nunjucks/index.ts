// The door to Nunjucks: {% cache 300, "sidebar", user.id %}…{% endcache %}.
import { FragmentError, OptionError, show } from "../errors.js";
import { settleStale, type StaleOptions } from "../fragment/arguments.js";
import { FRAGMENTS, type FragmentCache, type Fragments } from "../fragment/fragments.js";
import { checkOptions } from "../options.js";
import type { NunjucksEnvironment } from "./environment.js";
import { FragmentExtension, SESSION } from "./tag.js";
import { TAG } from "./parse.js";
import { isEnvironment, keepsBlocks, unknownVersion, type OpenEnvironment } from "./verify.js";

export type { NunjucksEnvironment } from "./environment.js";

/** Options of `installNunjucks()` and `fragmentExtension()`. */
export interface NunjucksOptions extends StaleOptions {
  /**
   * `false`: an edited template does not outdate the fragments that were made from it.
   * @default true
   */
  readonly digest?: boolean | undefined;
}

/** An extension of Nunjucks, for its `addExtension()`. */
export interface NunjucksExtension {
  readonly tags: string[];
  parse(parser: any, nodes: any, lexer: any): any;
}

/** What renders templates with their fragments. */
export interface NunjucksRenderer {
  /** Renders a template by its name, and gives its text with the fragments in it. */
  readonly render: (name: string, data?: object) => Promise<string>;
  /** Renders a template from its source. */
  readonly renderString: (source: string, data?: object) => Promise<string>;
}

const OPTIONS = ["digest", "staleWhileRevalidate", "staleIfError"];
const NAME = "koa-caching";
const installed = new WeakMap<object, Fragments>();

/**
 * Brings the tag `{% cache timeout, "name", vary1, vary2, tags=["x"] %}…{% endcache %}` to a Nunjucks
 * environment.
 *
 * @throws {FragmentError} when the environment has the tag of another cache, or another inside than
 * is known
 * @example
 * const { render } = installNunjucks(nunjucks.configure("views"), cache);
 * ctx.body = await render("page.njk", { user });
 */
export function installNunjucks(
  environment: NunjucksEnvironment,
  cache: FragmentCache,
  options: NunjucksOptions = {},
): NunjucksRenderer {
  if (!isEnvironment(environment)) throw unknownVersion(false);
  const fragments = cache[FRAGMENTS];
  const extension = extensionOf(cache, options);
  if (installed.get(environment) !== fragments) {
    if (hasTag(environment)) throw new FragmentError(OCCUPIED);
    environment.addExtension(NAME, extension);
    if (!keepsBlocks(environment, extension)) {
      environment.removeExtension(NAME);
      throw unknownVersion(true);
    }
    installed.set(environment, fragments);
  }
  return rendererOf(environment, fragments);
}

/**
 * The same tag as an extension, for integrations that make their environment themselves and take
 * `extensions` by name.
 *
 * @example
 * app.use(koaNunjucks("views", { extensions: { cache: fragmentExtension(cache) } }));
 */
export function fragmentExtension(
  cache: FragmentCache,
  options: NunjucksOptions = {},
): NunjucksExtension {
  return extensionOf(cache, options);
}

function extensionOf(cache: FragmentCache, options: NunjucksOptions): FragmentExtension {
  checkOptions(options, OPTIONS, "installNunjucks()");
  const { digest: digests = true } = options;
  if (typeof digests !== "boolean") {
    throw new OptionError(`digest must be true or false; got ${show(digests)}.`);
  }
  return new FragmentExtension({
    fragments: cache[FRAGMENTS],
    digests,
    stale: settleStale(options),
  });
}

const OCCUPIED =
  `This Nunjucks environment has a tag named ${TAG} already, perhaps that of another cache. ` +
  `Use an environment of its own: new nunjucks.Environment(…).`;

function hasTag({ extensionsList }: OpenEnvironment): boolean {
  return extensionsList.some(({ tags }) => tags?.includes(TAG));
}

function rendererOf(environment: NunjucksEnvironment, fragments: Fragments): NunjucksRenderer {
  const rendered = (
    method: "render" | "renderString",
    what: string,
    data: object,
  ): Promise<string> =>
    fragments.render(() => {
      const { session } = fragments.scope()!;
      const context = { ...data, [SESSION]: () => session };
      // Nunjucks calls back in whatever context another rendering has left; a promise does not.
      return new Promise((resolve, reject) => {
        environment[method](what, context, (error: unknown, text: string) =>
          error ? reject(error) : resolve(text),
        );
      });
    });
  return {
    render: (name, data = {}) => rendered("render", name, data),
    renderString: (source, data = {}) => rendered("renderString", source, data),
  };
}
