// The door to Handlebars: {{#cache 300 "sidebar" user.id}}…{{/cache}}.
import { FragmentError, OptionError, show } from "../errors.js";
import { settleStale, type StaleOptions } from "../fragment/arguments.js";
import { FRAGMENTS, type FragmentCache, type Fragments } from "../fragment/fragments.js";
import { checkOptions } from "../options.js";
import { Containers } from "./containers.js";
import type {
  CompiledTemplate,
  Environment,
  HandlebarsInstance,
  HelperOptions,
} from "./environment.js";
import { Sources } from "./sources.js";
import { FragmentTag, TAG } from "./tag.js";
import { isHandlebars, keepsBlocks, unknownVersion } from "./verify.js";

export type { CompiledTemplate, HandlebarsInstance } from "./environment.js";

/** Options of `installHandlebars()`. */
export interface HandlebarsOptions extends StaleOptions {
  /**
   * `false`: an edited template does not outdate the fragments that were made from it.
   * @default true
   */
  readonly digest?: boolean | undefined;
}

/** What renders templates with their fragments. */
export interface HandlebarsRenderer {
  /** Runs a compiled template, and gives its text with the fragments in it. */
  readonly render: (
    template: CompiledTemplate,
    data?: unknown,
    runtimeOptions?: object,
  ) => Promise<string>;
}

const OPTIONS = ["digest", "staleWhileRevalidate", "staleIfError"];
const installed = new WeakMap<object, Fragments>();

/**
 * Brings the block helper `{{#cache timeout "name" vary1 vary2 tags=list}}…{{/cache}}` to a
 * Handlebars instance. Install it before the instance runs its first template.
 *
 * @throws {FragmentError} when the instance has such a helper, or another inside than is known
 * @example
 * const { render } = installHandlebars(Handlebars, cache);
 * ctx.body = await render(Handlebars.compile(source), { user });
 */
export function installHandlebars(
  handlebars: HandlebarsInstance,
  cache: FragmentCache,
  options: HandlebarsOptions = {},
): HandlebarsRenderer {
  checkOptions(options, OPTIONS, "installHandlebars()");
  const { digest: digests = true } = options;
  if (typeof digests !== "boolean") {
    throw new OptionError(`digest must be true or false; got ${show(digests)}.`);
  }
  if (!isHandlebars(handlebars)) throw unknownVersion(undefined);
  const fragments = cache[FRAGMENTS];
  if (installed.get(handlebars) !== fragments) {
    install(handlebars, fragments, { digests, stale: settleStale(options) });
  }
  return {
    render: (template, data, runtimeOptions) =>
      fragments.render(() => {
        if (typeof template !== "function") throw new OptionError(uncompiled(template));
        return template(data, runtimeOptions) as string | Promise<string>;
      }),
  };
}

function install(
  environment: Environment,
  fragments: Fragments,
  settings: Pick<ConstructorParameters<typeof FragmentTag>[0], "digests" | "stale">,
): void {
  if (environment.helpers[TAG] !== undefined) {
    throw new FragmentError(
      `This Handlebars instance has a helper named ${TAG} already, perhaps that of another cache. ` +
        `Use an instance of its own: Handlebars.create().`,
    );
  }
  const { template, compile, parse } = environment;
  const containers = new Containers(environment, () => indentOf(fragments));
  const sources = new Sources(environment, TAG);
  if (!keepsBlocks(environment, containers)) {
    Object.assign(environment, { template, compile, parse });
    throw unknownVersion(environment.VERSION);
  }
  const tag = new FragmentTag({ environment, fragments, containers, sources, ...settings });
  environment.registerHelper(TAG, function (this: unknown, ...args: unknown[]) {
    const last = args.pop() as HelperOptions;
    return tag.run(this, args, last);
  });
  installed.set(environment, fragments);
}

function uncompiled(template: unknown): string {
  return (
    `render() takes a template compiled by its Handlebars instance; got ${show(template)}. ` +
    `Compile it first: render(Handlebars.compile(source), data).`
  );
}

/** How partials are indented while placeholders are left. */
function indentOf(fragments: Fragments): ((text: string, indent: string) => string) | undefined {
  const scope = fragments.scope();
  if (scope === undefined || scope.inPlace || scope.session.over) return undefined;
  return (text, indent) => scope.session.indent(text, indent, scope);
}
