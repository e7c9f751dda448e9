// The lists of a request's header fields as its handlers see them, each reading noticed.
import type { IncomingMessage } from "node:http";
import { inspect } from "node:util";
import { shadow } from "./shadow.js";

/** How the lists are watched. */
export interface ListsWatch {
  /** Fields that are replaced, or hidden where `undefined`. */
  readonly fields: Readonly<Record<string, string | undefined>>;
  /** Called whenever a list is looked at, in whichever way. */
  readonly notice: () => void;
}

/** Begins to watch the lists of a request; gives what ends it. */
export function watchLists(req: IncomingMessage, watch: ListsWatch): () => void {
  const view = new RawHeadersView(req.rawHeaders, watch);
  // Of its own: inspecting looks past the traps at the target.
  const target: string[] = [];
  const value = () => view.copy();
  Object.defineProperty(target, inspect.custom, { configurable: true, writable: true, value });
  const endRaw = put(req, "rawHeaders", new Proxy(target, view));
  const endDistinct = watchDistinct(req, watch.notice);
  return () => {
    endDistinct();
    endRaw();
    view.end();
  };
}

/**
 * Puts a value in place of another; gives what puts the other back, unless a third one came. Only
 * assigned where that is possible: accessors on a request are dearer.
 */
export function put(
  req: IncomingMessage,
  name: "headers" | "rawHeaders",
  value: object,
): () => void {
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

function watchDistinct(req: IncomingMessage, notice: () => void): () => void {
  const placed = shadow(req, "headersDistinct", {
    get: (beneath) => {
      notice();
      return beneath.get();
    },
  });
  return () => placed?.remove();
}

/** Makes a handler of a proxy leave its target to itself, as one that may not be extended asks. */
export const DISARMED = {
  get: undefined,
  set: undefined,
  has: undefined,
  ownKeys: undefined,
  defineProperty: undefined,
  deleteProperty: undefined,
  getOwnPropertyDescriptor: undefined,
  setPrototypeOf: undefined,
};

/**
 * A raw list as the handlers see it, which is not even read before they read it. What is written
 * goes to the request's own list, at the latest when the watch ends.
 */
class RawHeadersView implements ProxyHandler<string[]> {
  readonly #list: string[];
  readonly #watch: ListsWatch;
  /** The list as it is shown: itself, unless something in it is replaced. */
  #shown: string[] | undefined;
  #replaced: readonly string[] = [];
  #isWritten = false;

  constructor(list: string[], watch: ListsWatch) {
    this.#list = list;
    this.#watch = watch;
  }

  copy(): string[] {
    return [...this.#noticed()];
  }

  end(): void {
    const shown = this.#shown;
    if (!this.#isWritten || shown === undefined || shown === this.#list) return;
    this.#list.splice(0, this.#list.length, ...shown, ...this.#replaced);
  }

  get(_target: string[], name: string | symbol): unknown {
    return Reflect.get(this.#noticed(), name);
  }

  has(_target: string[], name: string | symbol): boolean {
    return Reflect.has(this.#noticed(), name);
  }

  ownKeys(): (string | symbol)[] {
    return Reflect.ownKeys(this.#noticed());
  }

  getOwnPropertyDescriptor(
    _target: string[],
    name: string | symbol,
  ): PropertyDescriptor | undefined {
    const found = Reflect.getOwnPropertyDescriptor(this.#noticed(), name);
    // The target has nothing but its length.
    return found && { ...found, configurable: name !== "length" };
  }

  set(_target: string[], name: string | symbol, value: unknown): boolean {
    return this.#write((shown) => Reflect.set(shown, name, value));
  }

  defineProperty(
    _target: string[],
    name: string | symbol,
    descriptor: PropertyDescriptor,
  ): boolean {
    return this.#write((shown) => Reflect.defineProperty(shown, name, descriptor));
  }

  deleteProperty(_target: string[], name: string | symbol): boolean {
    return this.#write((shown) => Reflect.deleteProperty(shown, name));
  }

  /** The request's own list stays as it is: only what the handlers see is frozen. */
  preventExtensions(target: string[]): boolean {
    target.push(...this.copy());
    Reflect.deleteProperty(target, inspect.custom);
    Object.assign(this, DISARMED);
    return Reflect.preventExtensions(target);
  }

  #write(change: (shown: string[]) => boolean): boolean {
    const isDone = Object.isExtensible(this.#list) && change(this.#noticed());
    this.#isWritten ||= isDone;
    return isDone;
  }

  #noticed(): string[] {
    this.#watch.notice();
    this.#shown ??= this.#show();
    return this.#shown;
  }

  #show(): string[] {
    const { fields } = this.#watch;
    const pairs = this.#list.flatMap((name, at, list) =>
      at % 2 === 0 ? [[name, list[at + 1] ?? ""]] : [],
    );
    const isReplaced = ([name]: readonly string[]) => Object.hasOwn(fields, name!.toLowerCase());
    this.#replaced = pairs.filter(isReplaced).flat();
    const added = Object.entries(fields).filter((field) => field[1] !== undefined);
    const isSame = this.#replaced.length === 0 && added.length === 0;
    if (isSame && Object.isExtensible(this.#list)) return this.#list;
    const kept = pairs.filter((pair) => !isReplaced(pair));
    return [...kept, ...(added as string[][])].flat();
  }
}
