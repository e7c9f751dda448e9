// The tags by which pages are outdated: by their path, by their name, by name and query.
import { pathTag, queryText, type Address, type QueryRule } from "./key.js";

const BUCKET_BITS = 17;

/**
 * Paths come from clients, and a version stays in the store for long: so texts share a bounded
 * number of tags. An invalidation may reach more than it names, never less.
 */
function bucket(text: string): string {
  return `p:${(textHash(text) >>> (32 - BUCKET_BITS)).toString(36)}`;
}

/** FNV-1a: 32 bits, cheap, for where it does no harm that two texts have the same. */
export function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash;
}

/** The tags of a page that an unsafe request to its URL outdates. */
export function pathTags({ origin, sent, routed }: Address): readonly string[] {
  const tag = urlTag(origin, sent);
  return sent === routed ? [tag] : [tag, urlTag(origin, routed)];
}

/** The tag of one URL. */
export function urlTag(origin: string, url: string): string {
  const port = origin.startsWith("https:") ? /:443$/ : /:80$/;
  return bucket(pathTag(origin.replace(port, ""), url));
}

/** The names that a page goes by: its own, and with its query where it has one. */
export function pageNames(name: string, url: string, rule: QueryRule): readonly string[] {
  const mark = url.indexOf("?");
  const query = mark === -1 ? null : queryText(url.slice(mark + 1), rule);
  return query === null ? [name] : [name, `${name}?${query}`];
}

/** The tag of a name. */
export function nameTag(name: string): string {
  return bucket(`name ${name}`);
}

/** The key of the entry that tells that there is a page of a name. */
export function markerKey(name: string): string {
  return `page ${name}`;
}
