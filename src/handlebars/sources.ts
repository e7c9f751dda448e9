// What templates are made from, their source and the partials they use, for digests.
import { shortDigest, treeDigest, type Source } from "../fragment/digest.js";
import type { CompiledTemplate, Environment, Node, Specification } from "./environment.js";

// What the compiled tag knows of its template stands in its hash.
const DIGEST = "koa-caching digest";
const PARTIALS = "koa-caching partials";
/** Stands for all partials, where the name of one is computed. */
const ANY = "*";
const MOST_KNOWN = 2000;
const CALL_IN_CODE = /\.invokePartial\((?:lookupProperty\(partials,("(?:[^"\\]|\\.)*")\))?/g;

const NONE: readonly string[] = [];

type Parse = NonNullable<Environment["parse"]>;

/** Whether an argument of a tag was not written, but put there to say what its template is. */
export function isMark(name: string): boolean {
  return name === DIGEST || name === PARTIALS;
}

/** The source of the template that a tag stands in; absent where it was compiled unmarked. */
export function sourceOfTag(hash: Readonly<Record<string, unknown>>): Source | undefined {
  const { [DIGEST]: digest, [PARTIALS]: names } = hash;
  if (typeof digest !== "string" || typeof names !== "string") return undefined;
  return { digest, names: names === "" ? NONE : names.split("\n") };
}

/** The sources of the templates of an instance. */
export class Sources {
  readonly #tag: string;
  readonly #parse: Parse | undefined;
  readonly #known = new Map<string, Source>();
  readonly #compiled = new WeakMap<CompiledTemplate, () => Source>();

  /** @param tag The tag that is told its source, in all templates compiled from now on. */
  constructor(environment: Environment, tag: string) {
    this.#tag = tag;
    this.#parse = environment.parse;
    this.#rememberCode(environment);
    if (this.#parse === undefined) return;
    this.#rememberText(environment);
    environment.parse = (input, ...rest) => this.#marked(input, rest);
  }

  /** The digest of a template with the partials that it uses, out of those that it can use. */
  digest(source: Source, partials: Record<string, unknown>): string {
    const find = (name: string): Source | undefined => {
      const found = Object.hasOwn(partials, name) ? this.#sourceOf(partials[name]) : undefined;
      return found && spread(found, partials);
    };
    return treeDigest(spread(source, partials), find);
  }

  /** The name of a partial that was made from a source. */
  nameOf(source: Source, partials: Record<string, unknown>): string | undefined {
    return Object.keys(partials).find(
      (name) => this.#sourceOf(partials[name])?.digest === source.digest,
    );
  }

  #rememberCode(environment: Environment): void {
    const { template } = environment;
    environment.template = (specification, ...rest) => {
      const made = template.call(environment, specification, ...rest);
      this.#compiled.set(made, () => sourceOfCode(specification));
      return made;
    };
  }

  #rememberText(environment: Environment): void {
    const compile = environment.compile!;
    environment.compile = (input, ...rest) => {
      const made = compile.call(environment, input, ...rest);
      if (typeof input === "string") this.#compiled.set(made, () => this.#sourceOfText(input));
      return made;
    };
  }

  #marked(input: unknown, rest: unknown[]): Node {
    const program = this.#parse!(input, ...rest);
    if (typeof input !== "string") return program;
    const { names, tags } = survey(program, this.#tag);
    const source = { digest: shortDigest(input), names };
    for (const tag of tags) mark(tag, source);
    return program;
  }

  #sourceOf(partial: unknown): Source | undefined {
    if (typeof partial === "string") return this.#sourceOfText(partial);
    return typeof partial === "function"
      ? this.#compiled.get(partial as CompiledTemplate)?.()
      : undefined;
  }

  #sourceOfText(text: string): Source {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const source = { digest: shortDigest(text), names: this.#namesIn(text) };
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(text, source);
    return source;
  }

  #namesIn(text: string): readonly string[] {
    try {
      return this.#parse === undefined ? [ANY] : survey(this.#parse(text), this.#tag).names;
    } catch {
      // A partial that cannot be parsed fails where it is used.
      return [];
    }
  }
}

function spread(source: Source, partials: Record<string, unknown>): Source {
  if (!source.names.includes(ANY)) return source;
  return { digest: source.digest, names: [...source.names, ...Object.keys(partials)] };
}

/** The partials that a template names, and its tags. */
function survey(program: Node, tag: string): { names: string[]; tags: Node[] } {
  const names = new Set<string>();
  const tags: Node[] = [];
  walk(program, (node) => {
    if (node.type === "PartialStatement" || node.type === "PartialBlockStatement") {
      names.add(partialName(node["name"] as Node));
    }
    if (node.type === "BlockStatement" && (node["path"] as Node)["original"] === tag) {
      tags.push(node);
    }
  });
  return { names: [...names], tags };
}

function partialName(name: Node): string {
  return name.type === "SubExpression" ? ANY : String(name["original"]);
}

function walk(value: unknown, visit: (node: Node) => void): void {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value) && typeof (value as Node).type === "string") visit(value as Node);
  for (const [field, inner] of Object.entries(value)) {
    if (field !== "loc") walk(inner, visit);
  }
}

function mark(tag: Node, { digest, names }: Source): void {
  const { loc } = tag;
  const { pairs } = ((tag as Record<string, unknown>)["hash"] ??= {
    type: "Hash",
    pairs: [],
    loc,
  }) as {
    pairs: unknown[];
  };
  const literal = (text: string): Node => ({
    type: "StringLiteral",
    value: text,
    original: text,
    loc,
  });
  pairs.push({ type: "HashPair", key: DIGEST, value: literal(digest), loc });
  pairs.push({ type: "HashPair", key: PARTIALS, value: literal(names.join("\n")), loc });
}

function sourceOfCode(specification: Specification): Source {
  const parts = Object.values(specification).filter((part) => typeof part === "function");
  const code = parts.map(String).join("\n");
  const names = new Set<string>();
  for (const [, name] of code.matchAll(CALL_IN_CODE)) {
    names.add(name === undefined ? ANY : (JSON.parse(name) as string));
  }
  return { digest: shortDigest(code), names: [...names] };
}
