// The list of all installed packages.
import type { Wrapper } from "koa-caching";
import { cache } from "../cache.js";
import { total, usageOf, type Usage } from "./disk.js";
import { packageFolders } from "./folders.js";
import { manifestOf, type Manifest } from "./manifest.js";

/** A line of the list. */
export interface Listed extends Pick<Manifest, "name" | "version" | "license" | "problem"> {
  readonly folder: string;
  readonly usage: Usage;
}

/** All installed packages. */
export interface Inventory {
  readonly packages: readonly Listed[];
  readonly usage: Usage;
  /** The number of packages under each licence, the commonest first. */
  readonly licenses: readonly (readonly [string, number])[];
  readonly computedAt: Date;
}

/** The inventory of all packages. */
export const inventory: Wrapper<typeof listPackages> = cache.cached(
  { keyPrefix: "packages" },
  listPackages,
);

const ORDERS: Readonly<Record<string, (a: Listed, b: Listed) => number>> = {
  name: (a, b) => a.name.localeCompare(b.name),
  size: (a, b) => b.usage.bytes - a.usage.bytes,
  licence: (a, b) => a.license.localeCompare(b.license),
};

/** Packages in the order asked for, by name when there is no such order. */
export function sorted(
  packages: readonly Listed[],
  asked: unknown,
): { packages: Listed[]; order: string } {
  const order = typeof asked === "string" && Object.hasOwn(ORDERS, asked) ? asked : "name";
  return { packages: packages.toSorted(ORDERS[order]), order };
}

async function listPackages(): Promise<Inventory> {
  const folders = await packageFolders();
  const packages = await Promise.all(folders.map((folder) => describe(folder)));
  return {
    packages,
    usage: total(packages.map(({ usage }) => usage)),
    licenses: countLicenses(packages),
    computedAt: new Date(),
  };
}

async function describe(folder: string): Promise<Listed> {
  const [manifest, usage] = await Promise.all([manifestOf(folder), usageOf(folder)]);
  const { name, version, license, problem } = manifest;
  return { name, version, license, problem, folder, usage };
}

function countLicenses(packages: readonly Listed[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { license } of packages) counts.set(license, (counts.get(license) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a);
}
