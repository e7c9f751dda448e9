// The extension behind {% cache %}: what compiled templates call.
import { FragmentError } from "../errors.js";
import { settleFragment, type Stale } from "../fragment/arguments.js";
import type { FragmentRequest } from "../fragment/backend.js";
import type { Tag } from "../fragment/fragment.js";
import type { Fragments } from "../fragment/fragments.js";
import type { FragmentScope, Session } from "../fragment/session.js";
import { currentScope } from "../computations.js";
import { current } from "../fragment/current.js";
import { keep, runHere, type TagCall } from "./block.js";
import type { Context, Lexer, Node, Nodes, Parser } from "./environment.js";
import type { MaybePromise } from "../store/store.js";
import type { TagInfo } from "./node.js";
import { parseFragment, TAG } from "./parse.js";
import { digestOf } from "./sources.js";

/** What the tag of a cache works with. */
export interface TagParts {
  readonly fragments: Fragments;
  /** Whether an edited template outdates its fragments. */
  readonly digests: boolean;
  readonly stale: Stale;
}

/** Under this name templates carry their rendering, where the asynchronous context may be lost. */
export const SESSION = "koa-caching session";

const infos = new Map<string, TagInfo>();
const MOST_INFOS = 5000;

/** The extension of an environment. */
export class FragmentExtension {
  readonly tags: string[] = [TAG];
  readonly #parts: TagParts;
  readonly #warned = new Set<string>();

  constructor(parts: TagParts) {
    this.#parts = parts;
  }

  /** Called by the parser. */
  parse(parser: Parser, nodes: Nodes, lexer: Lexer): Node {
    return parseFragment(this, parser, nodes, lexer);
  }

  /** Called by compiled templates: what the tag puts into them. */
  run(call: TagCall): string {
    const { fragments } = this.#parts;
    const info = infoOf(call.info);
    const scope = this.#scope(call.context);
    const [request, digest] = this.#request(call, info, scope);
    return fragments.emit(new TagUse(request, digest, call, info), scope);
  }

  /** The rendering that the template carries, where the asynchronous context is another one's. */
  #scope(context: Context): FragmentScope | undefined {
    const { fragments } = this.#parts;
    const scope = fragments.scope();
    const carried = (context.ctx[SESSION] as (() => Session) | undefined)?.();
    const isOwn = carried?.household === fragments && !carried.over;
    if (!isOwn || carried === scope?.session) return scope;
    // A computation may have been given the variables of the template: its result is stored.
    if (current() === undefined && currentScope() !== undefined) return undefined;
    return { session: carried, fragment: undefined, inPlace: false };
  }

  #request(
    call: TagCall,
    info: TagInfo,
    scope: FragmentScope | undefined,
  ): [FragmentRequest, Promise<string> | undefined] {
    const { args, runtime } = call;
    try {
      const last = args.at(-1);
      const named = isNamed(last) ? last : undefined;
      const [timeout, name, ...varyOn] = named === undefined ? args : args.slice(0, -1);
      const made =
        scope === undefined || !this.#parts.digests
          ? undefined
          : this.#digest(call, info, named?.deps, scope);
      const digest = made instanceof Promise ? undefined : made;
      const given = { timeout, name, varyOn, tags: named?.tags, digest };
      return [settleFragment(given, this.#parts.stale), made instanceof Promise ? made : undefined];
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const located = new FragmentError(`{% ${TAG} %}: ${reason}`, { cause: error });
      throw runtime.handleError(located, info.line, info.column);
    }
  }

  /** The digest of the tag's template and all templates it names, made once a rendering. */
  #digest(call: TagCall, info: TagInfo, deps: unknown, scope: FragmentScope): MaybePromise<string> {
    const { memo } = scope.session;
    const known = memo.get(call.info) as MaybePromise<string> | undefined;
    if (known !== undefined && deps === undefined) return known;
    const names = [...info.names, ...namesIn(deps)];
    if (info.computed && deps === undefined) this.#warn(info);
    const made = digestOf({ digest: info.digest, names }, info.template, call.context.env);
    memo.set(call.info, made);
    return made;
  }

  /** Tells once that an edit of a template whose name is computed does not show. */
  #warn({ template = "a template", line }: TagInfo): void {
    if (this.#warned.has(template)) return;
    if (this.#warned.size < MOST_INFOS) this.#warned.add(template);
    this.#parts.fragments.warn(
      `${template} includes a template whose name is computed, so that an edit of that one does ` +
        `not outdate the fragment in line ${line}. Name those it may be: ` +
        `{% ${TAG} …, deps=["card.njk"] %}, or turn digests off.`,
    );
  }
}

/** One use of the tag in a running template. */
class TagUse implements Tag {
  readonly request: FragmentRequest;
  readonly digest: Promise<string> | undefined;
  readonly eager: boolean;
  readonly #call: TagCall;
  readonly #info: TagInfo;

  constructor(
    request: FragmentRequest,
    digest: Promise<string> | undefined,
    call: TagCall,
    info: TagInfo,
  ) {
    this.request = request;
    this.digest = digest;
    this.eager = info.eager;
    this.#call = call;
    this.#info = info;
  }

  here(): string {
    return runHere(this.#call);
  }

  later(): () => MaybePromise<string> {
    return keep(this.#call, this.#info);
  }
}

function namesIn(deps: unknown): string[] {
  const names = Array.isArray(deps) ? deps : [deps];
  return names.filter((name) => name !== undefined && name !== null).map(String);
}

/** The named arguments, which Nunjucks marks so. */
function isNamed(value: unknown): value is { tags?: unknown; deps?: unknown } {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "__keywords");
}

function infoOf(text: string): TagInfo {
  let info = infos.get(text);
  if (info === undefined) {
    info = JSON.parse(text) as TagInfo;
    if (infos.size < MOST_INFOS) infos.set(text, info);
  }
  return info;
}
