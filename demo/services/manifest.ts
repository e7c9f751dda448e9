// What a package says of itself: its package.json, which may be broken or lie.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Wrapper } from "koa-caching";
import { cache } from "../cache.js";
import { modulesRoot } from "../root.js";
import { packageName, packageTag } from "./folders.js";

/** The parts of a package.json that the demo shows, each of the type it should be. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly description: string;
  readonly homepage: string | undefined;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  /** Why the file could not be read. */
  readonly problem: string | undefined;
}

/** The manifest of a package folder. */
export const manifestOf: Wrapper<typeof readManifest> = cache.memoize(
  { tags: (_manifest, folder) => [packageTag(folder)] },
  readManifest,
);

async function readManifest(folder: string): Promise<Manifest> {
  try {
    const json = await readFile(join(modulesRoot, folder, "package.json"), "utf8");
    return parseManifest(folder, JSON.parse(json.replace(/^\uFEFF/, "")));
  } catch (error) {
    return parseManifest(folder, {}, (error as Error).message);
  }
}

/** Takes from a package.json what has the type it should have. */
export function parseManifest(folder: string, json: unknown, problem?: string): Manifest {
  const fields = record(json);
  const homepage = text(fields["homepage"]);
  return {
    name: packageName(folder),
    version: text(fields["version"]) || "0.0.0",
    license: licenseOf(fields),
    description: text(fields["description"]),
    homepage: /^https?:\/\//i.test(homepage) ? homepage : undefined,
    dependencies: ranges(fields["dependencies"]),
    optionalDependencies: ranges(fields["optionalDependencies"]),
    problem: problem?.replaceAll(modulesRoot, "node_modules"),
  };
}

// The older forms are `{ "type": "MIT" }` and `"licenses": [{ "type": "MIT" }]`.
function licenseOf(fields: Record<string, unknown>): string {
  const written = fields["license"] ?? fields["licenses"];
  const all = Array.isArray(written) ? written : [written];
  const names = all.map((license) => text(license) || text(record(license)["type"]));
  return names.filter(Boolean).join(" OR ") || "unknown";
}

function ranges(value: unknown): Record<string, string> {
  const written = Array.isArray(value) ? {} : record(value);
  return Object.fromEntries(Object.entries(written).map(([name, range]) => [name, text(range)]));
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
