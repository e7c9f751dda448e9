// Finding a package by its name, and forgetting it.
import { cache } from "../cache.js";
import { packageFolders, packageName, packageTag } from "./folders.js";
import { manifestOf } from "./manifest.js";

/** The folders that hold a package of this name, the one nearest to the root first. */
export async function foldersOf(name: string): Promise<string[]> {
  const folders = (await packageFolders()).filter((folder) => packageName(folder) === name);
  return folders.toSorted((a, b) => a.split("/").length - b.split("/").length);
}

/** The folder of a package: of that version, else the one nearest to the root. */
export async function findPackage(name: string, version?: string): Promise<string | undefined> {
  const folders = await foldersOf(name);
  if (version === undefined) return folders[0];
  const manifests = await Promise.all(folders.map((folder) => manifestOf(folder)));
  return folders[manifests.findIndex((manifest) => manifest.version === version)];
}

/** Forgets all that was read from a package, and with it every page built from that. */
export async function forgetPackage(name: string): Promise<void> {
  await cache.invalidateTags(packageTag(name));
}
