// The header fields of a request as its handlers see them, each reading noticed.
import type { IncomingMessage } from "node:http";
import type { Fields } from "./fields.js";
import { shadow } from "./shadow.js";

/** How the fields of a request are watched. */
export interface HeadersWatch {
  /** Fields that are replaced, or hidden where `undefined`. */
  readonly fields: Readonly<Record<string, string | undefined>>;
  /** Told the name of each field that is read. */
  readonly read: (name: string) => void;
}

type Headers = Record<string, string | undefined>;

/** What is behind watched headers, which give it by this name to who knows it. */
interface Behind {
  /** The fields themselves: reading these is not noticed. */
  readonly seen: Headers;
  readonly read: (name: string) => void;
}

const BEHIND = Symbol("behind");

/** Watches may stand before watches: a page in a page. */
function behind(headers: object): Behind | undefined {
  return (headers as { readonly [BEHIND]?: Behind })[BEHIND];
}

/** The fields of a request as its handlers would see them, read without being noticed. */
export function requestFields(req: IncomingMessage): Fields {
  return behind(req.headers)?.seen ?? req.headers;
}

/**
 * Begins to watch the fields of a request, whichever way they are read; gives what ends it. Only
 * assigned where that is possible: accessors on a request are dearer.
 */
export function watchHeaders(req: IncomingMessage, watch: HeadersWatch): () => void {
  const original = req.headers as Headers;
  const outer = behind(original);
  const read = (name: string) => {
    watch.read(name);
    outer?.read(name);
  };
  const seen = replaced(outer?.seen ?? original, watch.fields);
  const headers = new Proxy(seen, handler(original, { seen, read }));
  const list = () => listed(seen, read);
  const ends = [
    put(req, "headers", headers),
    put(req, "rawHeaders", noticing(req.rawHeaders, list)),
    watchDistinct(req, list),
  ];
  return () => {
    for (const end of ends.toReversed()) end();
  };
}

/** Puts a value in place of another; gives what puts the other back, unless a third one came. */
function put(req: IncomingMessage, name: "headers" | "rawHeaders", value: object): () => void {
  const original: unknown = req[name];
  Reflect.set(req, name, value);
  if (req[name] === value) {
    return () => {
      if (req[name] === value) Reflect.set(req, name, original);
    };
  }
  // The requests of HTTP/2 have getters alone.
  const placed = shadow(req, name, { get: () => value });
  return () => placed?.remove();
}

function noticing(list: readonly string[], notice: () => void): object {
  return new Proxy(list, {
    get: (target, property) => {
      notice();
      return Reflect.get(target, property) as unknown;
    },
  });
}

function watchDistinct(req: IncomingMessage, notice: () => void): () => void {
  const placed = shadow(req, "headersDistinct", {
    get: (beneath) => {
      notice();
      return beneath.get();
    },
  });
  return () => placed?.remove();
}

function replaced(original: Headers, fields: HeadersWatch["fields"]): Headers {
  const seen = { ...original, ...fields };
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) Reflect.deleteProperty(seen, name);
  }
  return seen;
}

/** Fields that tell who somebody is: a list without them tells that, too. */
const TELLING: readonly string[] = ["cookie", "authorization"];

/** Who lists all fields reads those that are there, and sees which are not. */
function listed(seen: Headers, read: (name: string) => void): void {
  for (const name of new Set([...Object.keys(seen), ...TELLING])) read(name);
}

/** What is written goes to the request itself as well, which outlives the watch. */
function handler(original: Headers, own: Behind): ProxyHandler<Headers> {
  const notice = (name: string | symbol) => {
    if (typeof name === "string") own.read(name);
  };
  return {
    get: (seen, name) => {
      if (name === BEHIND) return own;
      notice(name);
      return Reflect.get(seen, name);
    },
    has: (seen, name) => {
      notice(name);
      return Reflect.has(seen, name);
    },
    getOwnPropertyDescriptor: (seen, name) => {
      notice(name);
      return Reflect.getOwnPropertyDescriptor(seen, name);
    },
    ownKeys: (seen) => {
      listed(seen, own.read);
      return Reflect.ownKeys(seen);
    },
    set: (seen, name, value) =>
      Reflect.set(original, name, value) && Reflect.set(seen, name, value),
    deleteProperty: (seen, name) =>
      Reflect.deleteProperty(original, name) && Reflect.deleteProperty(seen, name),
  };
}
