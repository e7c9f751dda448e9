// How much room a package takes on the disk.
import type { Dirent } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { Wrapper } from "koa-caching";
import { cache } from "../cache.js";
import { modulesRoot } from "../root.js";
import { entriesOf, packageTag } from "./folders.js";

/** The files of a package, without the packages nested in it. */
export interface Usage {
  readonly files: number;
  readonly bytes: number;
}

/** The usage of a package folder. */
export const usageOf: Wrapper<typeof measurePackage> = cache.memoize(
  { tags: (_usage, folder) => [packageTag(folder)] },
  measurePackage,
);

async function measurePackage(folder: string): Promise<Usage> {
  const entries = await entriesOf(folder);
  return measureAll(
    folder,
    entries.filter(({ name }) => name !== "node_modules"),
  );
}

async function measureAll(folder: string, entries: readonly Dirent[]): Promise<Usage> {
  return total(
    await Promise.all(entries.map((entry) => measure(`${folder}/${entry.name}`, entry))),
  );
}

async function measure(path: string, entry: Dirent): Promise<Usage> {
  if (entry.isDirectory()) return measureAll(path, await entriesOf(path));
  const { size } = await lstat(join(modulesRoot, path));
  return { files: 1, bytes: size };
}

/** The sum of several usages. */
export function total(usages: readonly Usage[]): Usage {
  return {
    files: usages.reduce((sum, { files }) => sum + files, 0),
    bytes: usages.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
