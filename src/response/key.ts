// The key of a page: scheme, host, the path as sent and as routed, and the query.

/** Where a request went. Paths and queries as they were sent, nothing decoded. */
export interface Address {
  /** Scheme and host, as far as the application trusts what it is told: `https://example.org`. */
  readonly origin: string;
  /** The URL as the client sent it. */
  readonly sent: string;
  /** The URL as the router saw it, after mounts and rewrites. */
  readonly routed: string;
}

/** What of a Koa context an address is made of. */
export interface Addressed {
  readonly protocol: string;
  readonly host: string;
  readonly originalUrl: string;
  readonly url: string;
}

/** Which query parameters are part of the key: all, none, or those named. */
export type QueryRule = boolean | readonly string[];

/** How long a URL may be, in characters, for its page to be stored. */
export const LONGEST_URL = 8192;

/** The address of a request; Koa's `proxy` setting decides whether `X-Forwarded-*` counts. */
export function addressOf(ctx: Addressed): Address {
  return {
    origin: `${ctx.protocol}://${ctx.host}`,
    sent: ctx.originalUrl,
    routed: ctx.url,
  };
}

/** Whether a page of this address may be stored: its key is bounded. */
export function isBounded({ sent, routed, origin }: Address): boolean {
  return sent.length <= LONGEST_URL && routed.length <= LONGEST_URL && origin.length <= 1024;
}

/** What a page goes by: its name, and the values that were read to make that name. */
export interface KeyName {
  readonly name: string;
  readonly values: string;
}

/**
 * The key of a page: its name, and what selects within that name. Written as JSON, so that no two
 * addresses share a key, whatever they contain.
 */
export function pageKey({ name, values }: KeyName, address: Address, rule: QueryRule): string {
  const sent = pathAndQuery(address.sent, rule);
  const routed = address.routed === address.sent ? sent : pathAndQuery(address.routed, rule);
  const parts = [values === "" ? name : [name, values], address.origin, ...sent];
  return JSON.stringify(routed === sent ? parts : [...parts, ...routed]);
}

function pathAndQuery(url: string, rule: QueryRule): readonly (string | null)[] {
  const mark = url.indexOf("?");
  if (mark === -1) return [url, null];
  return [url.slice(0, mark), queryText(url.slice(mark + 1), rule)];
}

interface Parameter {
  readonly text: string;
  /** The name as a handler sees it. */
  readonly name: string;
  /** The name without what parsers of nested parameters take for an index: `a[0]` and `a.b` are `a`. */
  readonly base: string;
}

/**
 * The parameters of a query in the order of their names, each as it was sent. Parameters that any
 * parser might give to one name keep their order, because it is part of what they mean.
 */
export function queryText(query: string, rule: QueryRule): string | null {
  if (rule === false) return null;
  if (rule === true && !query.includes("&")) return query;
  // "&" alone separates: a handler takes ";" for a part of the value.
  const parameters = query.split("&").map(parameter);
  const kept = rule === true ? parameters : parameters.filter((given) => isNamed(given, rule));
  if (rule !== true && kept.length === 0) return null;
  return kept
    .toSorted((one, other) => compare(one.base, other.base))
    .map(({ text }) => text)
    .join("&");
}

function parameter(text: string): Parameter {
  const end = text.indexOf("=");
  const name = decoded(end === -1 ? text : text.slice(0, end));
  return { text, name, base: name.split(/[[.]/, 1)[0]! };
}

function isNamed({ name, base }: Parameter, names: readonly string[]): boolean {
  return names.includes(name) || names.includes(base);
}

/** A name as `URLSearchParams` decodes it, for comparing only. */
function decoded(name: string): string {
  if (!/[%+]/.test(name)) return name;
  return [...new URLSearchParams(`${name}=`).keys()][0]!;
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/**
 * The tag that every page of a path carries, whatever its query and variant. It is coarser than
 * the key, because an invalidation should rather reach too much: letters of the host and
 * percent-encodings that mean the same are the same.
 */
export function pathTag(origin: string, url: string): string {
  const path = url.split(/[?#]/, 1)[0]!;
  return `path ${origin.toLowerCase()}${normalPath(path, origin)}`;
}

/** A path that is its own normal form, as most are. */
const PLAIN_PATH = /^(?:\/[\w~-][\w.~-]*)*\/?$/;

function normalPath(path: string, origin: string): string {
  if (PLAIN_PATH.test(path)) return path;
  try {
    // A path of two slashes would be taken for a host, so the origin stands before it.
    const { pathname } = new URL(path.startsWith("/") ? origin + path : path);
    return decodeURIComponent(pathname);
  } catch {
    return path;
  }
}

/** A query as an application writes one: text, parameters, or an object of them. */
export type Query =
  | string
  | URLSearchParams
  | Readonly<Record<string, string | number | boolean | readonly (string | number | boolean)[]>>;

/** The text of a query, as it is part of the key; `undefined` where there is none. */
export function queryFrom(query: Query | undefined): string | undefined {
  if (query === undefined) return undefined;
  const text =
    typeof query === "string" ? query.replace(/^\?/, "") : parametersOf(query).toString();
  return queryText(text, true) ?? undefined;
}

function parametersOf(query: Exclude<Query, string>): URLSearchParams {
  if (query instanceof URLSearchParams) return query;
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, String(one)]),
  );
  return new URLSearchParams(pairs);
}
