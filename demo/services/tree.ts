// The dependency tree of a package.
import type { Wrapper } from "koa-caching";
import { cache } from "../cache.js";
import { dependencies, type Dependency } from "./dependencies.js";
import { usageOf, total, type Usage } from "./disk.js";
import { manifestOf } from "./manifest.js";
import { findPackage } from "./packages.js";

/** A package in a tree. */
export interface Branch {
  readonly name: string;
  readonly range: string;
  /** The version installed; absent when it is not. */
  readonly version: string | undefined;
  /** `shown` has its own branches elsewhere in the tree; `cycle` is one of its own ancestors. */
  readonly state: "installed" | "shown" | "cycle" | "missing" | "optional";
  readonly branches: readonly Branch[];
}

/** A package with all it depends on. */
export interface Tree {
  readonly name: string;
  readonly version: string;
  readonly packages: number;
  readonly usage: Usage;
  readonly branches: readonly Branch[];
  readonly computedAt: Date;
}

/** The dependency tree of one version of a package; `undefined` when it is not installed. */
export const dependencyTree: Wrapper<typeof buildTree> = cache.memoize(
  { shouldCache: (tree) => tree !== undefined },
  buildTree,
);

async function buildTree(name: string, version?: string): Promise<Tree | undefined> {
  const folder = await findPackage(name, version);
  if (folder === undefined) return undefined;
  const graph = await dependencies.graph(folder);
  const folders = [...graph.keys()];
  const manifests = await Promise.all(folders.map((each) => manifestOf(each)));
  const versions = new Map(folders.map((each, index) => [each, manifests[index]!.version]));
  return {
    name,
    version: versions.get(folder)!,
    packages: folders.length,
    usage: total(await Promise.all(folders.map((each) => usageOf(each)))),
    branches: grow(folder, graph, versions),
    computedAt: new Date(),
  };
}

/** Shapes a graph into a tree that shows the branches of each package once. */
export function grow(
  root: string,
  graph: ReadonlyMap<string, readonly Dependency[]>,
  versions: ReadonlyMap<string, string>,
): Branch[] {
  const shown = new Set<string>();
  const branchesOf = (folder: string, ancestors: readonly string[]): Branch[] => {
    shown.add(folder);
    const path = [...ancestors, folder];
    return (graph.get(folder) ?? []).map((dependency) => {
      const state = stateOf(dependency, path, shown);
      const branches = state === "installed" ? branchesOf(dependency.folder!, path) : [];
      const version = versions.get(dependency.folder ?? "");
      return { name: dependency.name, range: dependency.range, version, state, branches };
    });
  };
  return branchesOf(root, []);
}

function stateOf(
  { folder, optional }: Dependency,
  path: readonly string[],
  shown: ReadonlySet<string>,
): Branch["state"] {
  if (folder === undefined) return optional ? "optional" : "missing";
  if (path.includes(folder)) return "cycle";
  return shown.has(folder) ? "shown" : "installed";
}
