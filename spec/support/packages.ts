// Loads packages that have no types, and those that a spec can do without.

/** What a package exports, by default or all in all. */
export async function load(name: string): Promise<any> {
  const loaded = (await import(name)) as { default?: unknown };
  return loaded.default ?? loaded;
}

/** The same for a package that need not be there: without it the spec is skipped. */
export async function optional(spec: Mocha.Context, name: string): Promise<any> {
  try {
    return await load(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    return spec.skip();
  }
}
