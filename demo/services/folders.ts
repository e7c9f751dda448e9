// Where packages are installed: every package folder beneath node_modules.
import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Wrapper } from "koa-caching";
import { cache } from "../cache.js";
import { modulesRoot } from "../root.js";

/**
 * All package folders, as paths beneath `modulesRoot`: `koa`, `@koa/router`,
 * `accepts/node_modules/negotiator`. Nothing else is ever turned into a path to read from.
 */
export const packageFolders: Wrapper<typeof findFolders> = cache.cached(
  { keyPrefix: "folders" },
  findFolders,
);

/** The name by which other packages ask for what is installed in a folder. */
export function packageName(folder: string): string {
  return folder.split("/node_modules/").at(-1) ?? folder;
}

/** The tag of all that is read from a package folder: its name, whatever the version. */
export function packageTag(folder: string): string {
  return `package:${packageName(folder)}`;
}

/** The entries of a folder; none when it is not there. */
export async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(join(modulesRoot, folder), { withFileTypes: true });
  } catch {
    return [];
  }
}

async function findFolders(): Promise<string[]> {
  const folders = await foldersBeneath("");
  return folders.toSorted();
}

async function foldersBeneath(parent: string): Promise<string[]> {
  const entries = await entriesOf(parent);
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
  const found = await Promise.all(folders.map(({ name }) => visit(parent, name)));
  return found.flat();
}

async function visit(parent: string, name: string): Promise<string[]> {
  const folder = `${parent}${name}`;
  if (name.startsWith("@")) return foldersBeneath(`${folder}/`);
  return [folder, ...(await foldersBeneath(`${folder}/node_modules/`))];
}
