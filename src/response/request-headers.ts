// The header fields of a request as its handlers see them, each reading noticed.
import type { IncomingMessage } from "node:http";
import { inspect } from "node:util";
import type { Fields } from "./fields.js";
import { DISARMED, put, watchLists } from "./raw-headers.js";

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

/** Begins to watch the fields of a request, whichever way they are read; gives what ends it. */
export function watchHeaders(req: IncomingMessage, watch: HeadersWatch): () => void {
  const view = new HeadersView(req.headers as Headers, watch);
  const endHeaders = put(req, "headers", view.proxy());
  const endLists = watchLists(req, { fields: watch.fields, notice: () => view.list() });
  return () => {
    endLists();
    endHeaders();
  };
}

/** Fields that tell who somebody is: a list without them tells that, too. */
const TELLING: readonly string[] = ["cookie", "authorization"];

/**
 * Headers as the handlers see them: some replaced, each reading noticed. What is written goes to
 * the request itself, which outlives the watch.
 */
class HeadersView implements ProxyHandler<Headers>, Behind {
  /** The headers of the request, or those that another watch shows. */
  readonly #beneath: Headers;
  readonly #outer: Behind | undefined;
  readonly #watch: HeadersWatch;
  #proxy?: Headers;
  /** The replaced fields that were written since, which are as they were written. */
  readonly #written = new Set<PropertyKey>();

  constructor(beneath: Headers, watch: HeadersWatch) {
    this.#beneath = beneath;
    this.#outer = behind(beneath);
    this.#watch = watch;
  }

  /** The target is of its own: it meets no field's invariants, and inspecting looks at it alone. */
  proxy(): Headers {
    const target = Object.create(Reflect.getPrototypeOf(this.#beneath)) as Headers;
    const value = () => this.#copyTo(Object.create(Reflect.getPrototypeOf(target)) as Headers);
    Object.defineProperty(target, inspect.custom, { configurable: true, value });
    this.#proxy = new Proxy(target, this);
    return this.#proxy;
  }

  read(name: string): void {
    this.#watch.read(name);
    this.#outer?.read(name);
  }

  seen(): Headers {
    const beneath = this.#outer?.seen() ?? this.#beneath;
    const kept = Object.getOwnPropertyNames(beneath).filter((name) => !this.#isReplaced(name));
    const fields = kept.map((name) => [name, beneath[name]] as const);
    return Object.fromEntries([...fields, ...this.#replaced()]);
  }

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

  getOwnPropertyDescriptor(target: Headers, name: string | symbol): PropertyDescriptor | undefined {
    this.#notice(name);
    const found = this.#descriptor(name);
    // What the target does not have may not be said to be there for good.
    const { configurable = true } = Reflect.getOwnPropertyDescriptor(target, name) ?? {};
    return found && { ...found, configurable };
  }

  ownKeys(): (string | symbol)[] {
    this.list();
    return this.#names();
  }

  /** What only inherits from the headers is written to itself. */
  set(_target: Headers, name: string | symbol, value: unknown, receiver: unknown): boolean {
    if (receiver !== this.#proxy) return Reflect.set(this.#beneath, name, value, receiver);
    return this.#write(name, Reflect.set(this.#beneath, name, value));
  }

  /** A field is defined upon what the handlers see: a hidden one as if it were not there. */
  defineProperty(target: Headers, name: string | symbol, change: PropertyDescriptor): boolean {
    if (this.#isReplaced(name)) {
      const seen = this.#descriptor(name);
      Reflect.deleteProperty(this.#beneath, name);
      if (seen !== undefined) Reflect.defineProperty(this.#beneath, name, seen);
    }
    const isDone = Reflect.defineProperty(this.#beneath, name, change);
    const now = Reflect.getOwnPropertyDescriptor(this.#beneath, name);
    if (isDone && now?.configurable === false) Reflect.defineProperty(target, name, now);
    return this.#write(name, isDone);
  }

  deleteProperty(_target: Headers, name: string | symbol): boolean {
    return this.#write(name, Reflect.deleteProperty(this.#beneath, name));
  }

  setPrototypeOf(target: Headers, prototype: object | null): boolean {
    const isDone = Reflect.setPrototypeOf(this.#beneath, prototype);
    return isDone && Reflect.setPrototypeOf(target, prototype);
  }

  /** The request's own headers stay as they are: only what the handlers see is frozen. */
  preventExtensions(target: Headers): boolean {
    this.#copyTo(target);
    Reflect.deleteProperty(target, inspect.custom);
    Object.assign(this, DISARMED);
    return Reflect.preventExtensions(target);
  }

  #copyTo(target: Headers): Headers {
    for (const name of this.ownKeys()) {
      const descriptor = this.#descriptor(name);
      if (descriptor !== undefined) Reflect.defineProperty(target, name, descriptor);
    }
    return target;
  }

  #descriptor(name: string | symbol): PropertyDescriptor | undefined {
    if (!this.#isReplaced(name)) return Reflect.getOwnPropertyDescriptor(this.#beneath, name);
    const value = this.#value(name);
    if (value === undefined) return undefined;
    return { value, writable: true, enumerable: true, configurable: true };
  }

  #names(): (string | symbol)[] {
    const there = Reflect.ownKeys(this.#beneath).filter((name) => !this.#isReplaced(name));
    return [...there, ...this.#replaced().map(([name]) => name)];
  }

  /** The fields that are shown in place of others. */
  #replaced(): [string, string | undefined][] {
    const fields = Object.entries(this.#watch.fields);
    return fields.filter(([name, value]) => this.#isReplaced(name) && value !== undefined);
  }

  #value(name: string | symbol): string | undefined {
    const headers = this.#isReplaced(name) ? this.#watch.fields : this.#beneath;
    return Reflect.get(headers, name) as string | undefined;
  }

  #isReplaced(name: string | symbol): boolean {
    return Object.hasOwn(this.#watch.fields, name) && !this.#written.has(name);
  }

  #write(name: string | symbol, isDone: boolean): boolean {
    if (isDone) this.#written.add(name);
    return isDone;
  }

  #notice(name: string | symbol): void {
    if (typeof name === "string") this.read(name);
  }
}
