// Packages that only some applications install: found where the application or this library has them.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Where an installed package begins, as a URL; `undefined` if it is not installed. */
export function locate(name: string): string | undefined {
  try {
    return import.meta.resolve(name);
  } catch {
    return locateFrom(process.cwd(), name);
  }
}

/** Loads a package found by `locate()`. */
export async function load<Module>(location: string): Promise<Module> {
  return (await import(location)) as Module;
}

// A linked library does not see what the application has installed.
function locateFrom(directory: string, name: string): string | undefined {
  try {
    return pathToFileURL(createRequire(join(directory, "index.js")).resolve(name)).href;
  } catch {
    return undefined;
  }
}
