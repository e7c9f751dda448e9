// The block helper {{#cache timeout "name" vary… tags=list}}…{{/cache}}.
import { FragmentError, show } from "../errors.js";
import { settleFragment, type Stale } from "../fragment/arguments.js";
import type { FragmentRequest } from "../fragment/backend.js";
import type { Tag } from "../fragment/fragment.js";
import type { Fragments } from "../fragment/fragments.js";
import type { FragmentScope } from "../fragment/session.js";
import type { Containers } from "./containers.js";
import { snapshot } from "./data.js";
import type { Environment, HelperOptions } from "./environment.js";
import { isMark, sourceOfTag, type Sources } from "./sources.js";

/** What the tag of an instance works with. */
export interface TagParts {
  readonly environment: Environment;
  readonly fragments: Fragments;
  readonly containers: Containers;
  readonly sources: Sources;
  /** Whether an edited template outdates its fragments. */
  readonly digests: boolean;
  readonly stale: Stale;
}

/** The name of the tag. */
export const TAG = "cache";

/** The tag of an instance. */
export class FragmentTag {
  readonly #parts: TagParts;

  constructor(parts: TagParts) {
    this.#parts = parts;
  }

  /** What one use of the tag puts into its template. */
  run(context: unknown, args: unknown[], options: HelperOptions): string {
    const { fragments, containers } = this.#parts;
    const scope = fragments.scope();
    const request = this.#request(args, options, scope);
    return fragments.emit(new TagUse(request, { context, options, containers }), scope);
  }

  #request(
    args: unknown[],
    options: HelperOptions,
    scope: FragmentScope | undefined,
  ): FragmentRequest {
    const { hash } = options;
    try {
      checkUse(options, this.#parts.environment);
      args.forEach((value, index) => (args[index] = plain(value)));
      const [timeout, name] = args;
      const digest = scope && this.#digest(hash, scope);
      const tags = listed(hash["tags"]);
      const given = { timeout, name, varyOn: args.slice(2), tags, digest };
      return settleFragment(given, this.#parts.stale);
    } catch (error) {
      throw located(error, this.#place(options));
    }
  }

  /** The digest of the tag's template and all partials in it, made once a rendering. */
  #digest(hash: HelperOptions["hash"], { session }: FragmentScope): string | undefined {
    const source = this.#parts.digests ? sourceOfTag(hash) : undefined;
    if (source === undefined || source.names.length === 0) return source?.digest;
    const partials = this.#partials();
    let known = session.memo.get(partials) as Map<string, string> | undefined;
    if (known === undefined) session.memo.set(partials, (known = new Map()));
    let digest = known.get(source.digest);
    if (digest === undefined) {
      known.set(source.digest, (digest = this.#parts.sources.digest(source, partials)));
    }
    return digest;
  }

  #partials(): Record<string, unknown> {
    return this.#parts.containers.partials ?? this.#parts.environment.partials;
  }

  #place({ loc, hash }: HelperOptions): string {
    const source = sourceOfTag(hash);
    const partial = source && this.#parts.sources.nameOf(source, this.#partials());
    const file = partial === undefined ? loc?.source : `the partial ${show(partial)}`;
    const where = file ?? "the template";
    return loc === undefined
      ? where
      : `${where}, line ${loc.start.line}, column ${loc.start.column}`;
  }
}

/** One use of the tag in a running template. */
class TagUse implements Tag {
  readonly request: FragmentRequest;
  readonly digest: undefined;
  readonly eager = false;
  readonly #where: { context: unknown; options: HelperOptions; containers: Containers };

  constructor(
    request: FragmentRequest,
    where: { context: unknown; options: HelperOptions; containers: Containers },
  ) {
    this.request = request;
    this.#where = where;
  }

  here(): string {
    const { context, options } = this.#where;
    return options.fn!(context) as string;
  }

  later(): () => string {
    const { context, options, containers } = this.#where;
    const data = snapshot(options.data);
    return containers.keep(() => options.fn!(context, { data: snapshot(data) }) as string);
  }
}

function checkUse({ fn, inverse, hash }: HelperOptions, { VM }: Environment): void {
  if (fn === undefined) {
    throw new FragmentError("it is used without a block; write {{#cache …}}…{{/cache}}");
  }
  if ((inverse !== undefined && inverse !== VM.noop) || fn === VM.noop) {
    throw new FragmentError("a fragment has no {{else}} and no inverse block");
  }
  for (const name of Object.keys(hash)) {
    if (name === "tags" || isMark(name)) continue;
    throw new FragmentError(`it has no argument ${show(name)}=; it has tags=`);
  }
}

function located(error: unknown, place: string): FragmentError {
  const reason = error instanceof Error ? error.message : String(error);
  return new FragmentError(`{{#cache}} in ${place}: ${reason}`, { cause: error });
}

/** The text of safe text, which Handlebars marks by an object. */
function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("toHTML" in value)) return value;
  return typeof value.toHTML === "function" ? (value.toHTML() as unknown) : value;
}

function listed(tags: unknown): unknown {
  return Array.isArray(tags) ? tags.map(plain) : plain(tags);
}
