// The digest of a template with all that it includes, however deep.
import { digest } from "../key/hash.js";

/** A template as far as digests go. */
export interface Source {
  /** The digest of its own text. */
  readonly digest: string;
  /** The names of the templates that it includes. */
  readonly names: readonly string[];
}

/** The digest of a text, short enough to stand in compiled templates. */
export function shortDigest(text: string): string {
  return digest(text).slice(0, 16);
}

/** One digest for a template and all templates that it includes; the missing count as missing. */
export function treeDigest(root: Source, find: (name: string) => Source | undefined): string {
  if (root.names.length === 0) return root.digest;
  const found = new Map<string, Source | undefined>();
  const names = [...root.names];
  for (let name = names.pop(); name !== undefined; name = names.pop()) {
    if (found.has(name)) continue;
    const source = find(name);
    found.set(name, source);
    names.push(...(source?.names ?? []));
  }
  const lines = [...found].map(([name, source]) => `${name}\0${source?.digest ?? "missing"}`);
  return shortDigest([root.digest, ...lines.toSorted()].join("\n"));
}
