// What each package depends on, and where Node finds it.
import { cachingId } from "koa-caching";
import { cache } from "../cache.js";
import { packageFolders } from "./folders.js";
import { manifestOf } from "./manifest.js";

/** One line of a package's dependencies. */
export interface Dependency {
  readonly name: string;
  readonly range: string;
  readonly optional: boolean;
  /** The folder it is installed in, if it is. */
  readonly folder: string | undefined;
}

/** The dependencies among the packages of one `node_modules`. */
export interface Dependencies {
  /** The direct dependencies of a package folder. */
  of(folder: string): Promise<Dependency[]>;
  /** The dependencies of a package folder and of all that they depend on, by folder. */
  graph(folder: string): Promise<Map<string, Dependency[]>>;
}

class InstalledDependencies implements Dependencies {
  // Without it each instance would have results of its own, unknown to other processes.
  [cachingId](): string {
    return "node_modules";
  }

  @cache.memoize()
  async of(folder: string): Promise<Dependency[]> {
    const [manifest, folders] = await Promise.all([manifestOf(folder), packageFolders()]);
    const required = Object.entries({
      ...manifest.dependencies,
      ...manifest.optionalDependencies,
    });
    const installed = new Set(folders);
    return required.map(([name, range]) => ({
      name,
      range,
      optional: Object.hasOwn(manifest.optionalDependencies, name),
      folder: resolveFrom(folder, name, installed),
    }));
  }

  @cache.memoize()
  async graph(folder: string): Promise<Map<string, Dependency[]>> {
    const graph = new Map<string, Dependency[]>();
    let wave = [folder];
    while (wave.length > 0) {
      // One wave at a time, so that a remote store is asked once a wave.
      // oxlint-disable-next-line no-await-in-loop
      const found = await Promise.all(wave.map((each) => this.of(each)));
      for (const [index, each] of wave.entries()) graph.set(each, found[index]!);
      wave = [...new Set(found.flat().flatMap((each) => each.folder ?? []))];
      wave = wave.filter((each) => !graph.has(each));
    }
    return graph;
  }
}

/** The dependencies among the packages that the demo looks at. */
export const dependencies: Dependencies = new InstalledDependencies();

/** Where Node looks, from the folder outward, and finds a package first. */
export function resolveFrom(
  folder: string,
  name: string,
  installed: ReadonlySet<string>,
): string | undefined {
  const nested = `${folder}/node_modules/${name}`;
  if (installed.has(nested)) return nested;
  const parent = folder.lastIndexOf("/node_modules/");
  if (parent >= 0) return resolveFrom(folder.slice(0, parent), name, installed);
  return installed.has(name) ? name : undefined;
}
