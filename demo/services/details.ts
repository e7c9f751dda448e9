// All about one package.
import type { Wrapper } from "koa-caching";
import { cache } from "../cache.js";
import { dependencies } from "./dependencies.js";
import { usageOf, type Usage } from "./disk.js";
import { manifestOf, type Manifest } from "./manifest.js";
import { findPackage, foldersOf } from "./packages.js";
import { readmeOf } from "./readme.js";

/** What a package needs, and the version of it that it gets. */
export interface Requirement {
  readonly name: string;
  readonly range: string;
  readonly version: string | undefined;
}

/** Everything about one package. */
export interface Details {
  readonly manifest: Manifest;
  readonly usage: Usage;
  readonly readme: string | undefined;
  readonly requirements: readonly Requirement[];
  /** All folders that hold a package of this name. */
  readonly folders: readonly string[];
  readonly computedAt: Date;
}

/** The package that the page being served is about; `undefined` when it is not installed. */
export const packageDetails: Wrapper<typeof gatherDetails> = cache.cached(
  { timeout: "1m", shouldCache: (details) => details !== undefined },
  gatherDetails,
);

async function gatherDetails(name: string, version?: string): Promise<Details | undefined> {
  const folder = await findPackage(name, version);
  if (folder === undefined) return undefined;
  const [manifest, usage, readme, requirements, folders] = await Promise.all([
    manifestOf(folder),
    usageOf(folder),
    readmeOf(folder),
    requirementsOf(folder),
    foldersOf(name),
  ]);
  return { manifest, usage, readme, requirements, folders, computedAt: new Date() };
}

async function requirementsOf(folder: string): Promise<Requirement[]> {
  const direct = await dependencies.of(folder);
  return Promise.all(
    direct.map(async ({ name, range, folder: found }) => {
      const version = found === undefined ? undefined : (await manifestOf(found)).version;
      return { name, range, version };
    }),
  );
}
