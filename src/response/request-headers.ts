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
  /** The fields as the handlers see them: reading these is not noticed. */
  readonly seen: () => Headers;
  readonly read: (name: string) => void;
}

const BEHIND = Symbol("behind");

/** Watches may stand before watches: a page in a page. */
function behind(headers: object): Behind | undefined {
  return (headers as { readonly [BEHIND]?: Behind })[BEHIND];
}

/** The fields of a request as its handlers would see them, read without being noticed. */
export function requestFields(req: IncomingMessage): Fields {
  return behind(req.headers)?.seen() ?? req.headers;
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
  // What stands behind another watch, or cannot be told differently from what it is, is copied.
  const isOwn = outer === undefined && Object.isExtensible(original);
  const beneath = isOwn ? original : { ...(outer?.seen() ?? original) };
  const view = new HeadersView(beneath, { original, fields: watch.fields, read });
  const list = () => view.list();
  const ends = [
    put(req, "headers", new Proxy(beneath, view)),
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

/** Fields that tell who somebody is: a list without them tells that, too. */
const TELLING: readonly string[] = ["cookie", "authorization"];

/** What a view of headers goes by. */
interface Viewed extends HeadersWatch {
  readonly original: Headers;
}

/**
 * Headers as the handlers see them: some replaced, each reading noticed. What is written goes to
 * the request itself, which outlives the watch.
 */
class HeadersView implements ProxyHandler<Headers>, Behind {
  readonly #beneath: Headers;
  readonly #original: Headers;
  readonly #fields: HeadersWatch["fields"];
  /** The replaced fields that were written since, which are as they were written. */
  readonly #written = new Set<PropertyKey>();
  readonly read: (name: string) => void;

  constructor(beneath: Headers, { original, fields, read }: Viewed) {
    this.#beneath = beneath;
    this.#original = original;
    this.#fields = fields;
    this.read = read;
  }

  readonly seen = (): Headers => {
    const names = this.#names().filter((name) => typeof name === "string");
    return Object.fromEntries(names.map((name) => [name, this.#value(name)]));
  };

  /** Who lists all fields reads those that are there, and sees which are not. */
  list(): void {
    for (const name of new Set([...this.#names(), ...TELLING])) this.#notice(name);
  }

  get(_target: Headers, name: string | symbol): unknown {
    if (name === BEHIND) return this;
    this.#notice(name);
    return this.#value(name);
  }

  has(_target: Headers, name: string | symbol): boolean {
    this.#notice(name);
    return this.#isReplaced(name) ? this.#value(name) !== undefined : name in this.#beneath;
  }

  getOwnPropertyDescriptor(
    _target: Headers,
    name: string | symbol,
  ): PropertyDescriptor | undefined {
    this.#notice(name);
    if (!this.#isReplaced(name)) return Reflect.getOwnPropertyDescriptor(this.#beneath, name);
    const value = this.#value(name);
    if (value === undefined) return undefined;
    return { value, writable: true, enumerable: true, configurable: true };
  }

  ownKeys(): (string | symbol)[] {
    this.list();
    return this.#names();
  }

  set(_target: Headers, name: string | symbol, value: unknown): boolean {
    this.#written.add(name);
    return this.#stores().every((headers) => Reflect.set(headers, name, value));
  }

  deleteProperty(_target: Headers, name: string | symbol): boolean {
    this.#written.add(name);
    return this.#stores().every((headers) => Reflect.deleteProperty(headers, name));
  }

  #stores(): readonly Headers[] {
    const own = this.#beneath === this.#original ? [] : [this.#beneath];
    return [this.#original, ...own];
  }

  #names(): (string | symbol)[] {
    const there = Reflect.ownKeys(this.#beneath).filter((name) => !this.#isReplaced(name));
    const replaced = Object.keys(this.#fields).filter(
      (name) => this.#isReplaced(name) && this.#fields[name] !== undefined,
    );
    return [...there, ...replaced];
  }

  #value(name: string | symbol): string | undefined {
    const headers = this.#isReplaced(name) ? this.#fields : this.#beneath;
    return Reflect.get(headers, name) as string | undefined;
  }

  #isReplaced(name: string | symbol): boolean {
    return Object.hasOwn(this.#fields, name) && !this.#written.has(name);
  }

  #notice(name: string | symbol): void {
    if (typeof name === "string") this.read(name);
  }
}
