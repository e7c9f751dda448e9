// Pages by the names they go by: what `get()`, `has()` and `delete()` find under a page's key.
import { find, remove } from "../direct.js";
import type { Engine } from "../engine.js";
import type { Entry } from "../entry.js";
import { resultOf } from "./held-page.js";
import { markerKey, nameTag } from "./page-tags.js";
import { isPage } from "./checked-page.js";
import { PAGE } from "./visit.js";

/** Deletes what is stored under keys, pages with all their variants included. */
export async function removeAll(engine: Engine, keys: readonly string[]): Promise<boolean[]> {
  const { lookup } = engine;
  const markers = keys.map(markerKey);
  const marked = await find(lookup, markers);
  const names = keys.filter((_, index) => engine.hasPages || marked[index] !== undefined);
  if (names.length > 0) {
    await lookup.versions.outdate(names.map(nameTag));
    await lookup.store.remove(markers);
  }
  const existed = await remove(lookup, keys);
  return existed.map((one, index) => one || marked[index] !== undefined);
}

/** The same for one key. */
export async function removeNamed(engine: Engine, key: string): Promise<boolean> {
  const [existed] = await removeAll(engine, [key]);
  return existed!;
}

/** A stored value, whether it is a plain one or a page. */
export interface Located {
  readonly entry: Entry;
  readonly give: () => unknown;
}

/** The values of keys; the key of a page leads to its latest response. */
export async function locate(
  engine: Engine,
  keys: readonly string[],
): Promise<readonly (Located | undefined)[]> {
  const found = await find(engine.lookup, keys);
  const missing = keys.filter((_, index) => found[index] === undefined);
  const pages = engine.hasPages && missing.length > 0 ? await pagesNamed(engine, missing) : [];
  const byName = new Map(missing.map((name, index) => [name, pages[index]]));
  return keys.map((key, index) => located(found[index] ?? byName.get(key)));
}

async function pagesNamed(
  engine: Engine,
  names: readonly string[],
): Promise<readonly (Entry | undefined)[]> {
  const markers = await find(engine.lookup, names.map(markerKey));
  const keys = markers.map((marker) => {
    const { page } = Object(marker?.held.give()) as { page?: unknown };
    return typeof page === "string" ? page : "";
  });
  return find(engine.lookup, keys);
}

function located(entry: Entry | undefined): Located | undefined {
  if (entry?.check !== PAGE) return entry && { entry, give: () => entry.held.give() };
  const value: unknown = entry.held.give();
  return isPage(value) ? { entry, give: () => resultOf(value) } : undefined;
}
