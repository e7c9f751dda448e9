// What templates are made from, their source and the templates they name, for digests.
import { shortDigest, treeDigest, type Source } from "../fragment/digest.js";
import type { MaybePromise } from "../store/store.js";
import type { Environment, Template } from "./environment.js";

/** How tags are written. */
export interface Delimiters {
  readonly start: string;
  readonly end: string;
}

/** A source, and whether it includes a template whose name is computed. */
export interface TemplateSource extends Source {
  readonly computed: boolean;
}

// A call for a template whose name is a literal goes on with a comma.
const CALL_IN_CODE = /env\.getTemplate\((?:("(?:[^"\\]|\\.)*"), )?/g;
const SYNTAX = /[\\^$.*+?()[\]{}|/-]/g;
const RELATIVE = /^\.\.?\//;

/** The source of a template by its text. */
export function sourceOfText(text: string, { start, end }: Delimiters): TemplateSource {
  const [open, close] = [start, end].map((delimiter) => delimiter.replaceAll(SYNTAX, "\\$&"));
  const literal = `(["'])((?:(?!\\2)[^\\\\])*)\\2\\s*(?=-?${close}|(?:as|import|ignore|with|without)\\b)`;
  const pattern = new RegExp(`${open}-?\\s*(include|import|from|extends)\\s+(?:${literal})?`, "g");
  const names = new Set<string>();
  let computed = false;
  for (const [, word, quote, name] of text.matchAll(pattern)) {
    if (quote !== undefined) names.add(name!);
    else computed ||= word !== "extends";
  }
  return { digest: shortDigest(text), names: [...names], computed };
}

/** The sources of the templates that an environment has loaded. */
const known = new WeakMap<Template, Source>();

/** The digest of a template, by its own source and path, with all templates that it names. */
export function digestOf(
  own: Source,
  path: string | undefined,
  environment: Environment,
): MaybePromise<string> {
  const root = { digest: own.digest, names: own.names.map((name) => anchored(name, path)) };
  const found = new Map<string, Source | undefined>();
  const gathered = gather([...root.names], found, (name) => load(name, environment));
  const finish = (): string => treeDigest(root, (name) => found.get(name));
  return gathered === undefined ? finish() : gathered.then(finish);
}

/** Loads templates by name, and those that they name, until all are found. */
function gather(
  names: string[],
  found: Map<string, Source | undefined>,
  find: (name: string) => MaybePromise<Source | undefined>,
): Promise<void> | undefined {
  for (let name = names.pop(); name !== undefined; name = names.pop()) {
    if (found.has(name)) continue;
    const source = find(name);
    if (source instanceof Promise) {
      const waiting = name;
      return source.then((arrived) => {
        found.set(waiting, arrived);
        return gather([...names, ...(arrived?.names ?? [])], found, find);
      });
    }
    found.set(name, source);
    names.push(...(source?.names ?? []));
  }
  return undefined;
}

/** A template that cannot be loaded counts as missing: it fails where it is used. */
function load(anchoredName: string, environment: Environment): MaybePromise<Source | undefined> {
  const [name, path] = anchoredName.split("\0") as [string, string | undefined];
  let arrived: { source: Source | undefined } | undefined;
  let later: ((source: Source | undefined) => void) | undefined;
  try {
    environment.getTemplate(name, false, path, true, (error, template) => {
      const source = error || template === undefined ? undefined : sourceOf(template, environment);
      arrived ??= { source };
      later?.(source);
    });
  } catch {
    return undefined;
  }
  return arrived === undefined ? new Promise((resolve) => (later = resolve)) : arrived.source;
}

function sourceOf(template: Template, { opts }: Environment): Source {
  let source = known.get(template);
  if (source === undefined) {
    const { tmplStr, tmplProps, path } = template;
    const { blockStart = "{%", blockEnd = "%}" } = opts.tags ?? {};
    const read =
      tmplStr === undefined
        ? sourceOfCode(tmplProps ?? {})
        : sourceOfText(tmplStr, { start: blockStart, end: blockEnd });
    source = { digest: read.digest, names: read.names.map((name) => anchored(name, path)) };
    known.set(template, source);
  }
  return source;
}

function sourceOfCode(functions: Readonly<Record<string, unknown>>): Source {
  const code = Object.values(functions).map(String).join("\n");
  const names = Array.from(code.matchAll(CALL_IN_CODE), ([, name]) => name);
  return {
    digest: shortDigest(code),
    names: [...new Set(names)].flatMap((name) =>
      name === undefined ? [] : [JSON.parse(name) as string],
    ),
  };
}

/** A relative name means something only together with the path of its template. */
function anchored(name: string, path: string | undefined): string {
  return path !== undefined && RELATIVE.test(name) ? `${name}\0${path}` : name;
}
