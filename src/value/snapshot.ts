// Takes a private copy of a value, refusing what cannot be carried, and learns what the copy is like.
import { types } from "node:util";

import { NotCarriableError, show } from "../errors.js";
import { describe, kindOf } from "./judge.js";
import type { Kind, Members } from "./kind.js";

/**
 * What copying a value takes: `fixed` is never copied, for nothing can change it; a `tree` is plain
 * objects and dense lists alone; a `rich` tree holds other objects too; in a `graph` some object is
 * met more than once.
 */
export type Form = "fixed" | "tree" | "rich" | "graph";

/** A private copy of a value (the value itself where it is fixed), with what is known of it. */
export interface Snapshot {
  readonly value: unknown;
  readonly form: Form;
  /** Whether JSON carries it without loss. */
  readonly json: boolean;
  /** Whether freezing its objects would make it unchangeable. */
  readonly freezable: boolean;
  /**
   * How many bytes it takes, estimated: 8 for each member and number, 48 for each object, a text's
   * characters (two bytes each where one of them needs it) and 16.
   */
  readonly bytes: number;
}

/** How deep objects may be nested: deeper ones could exhaust the stack of whoever meets them. */
const MAX_DEPTH = 500;
const SLOT = 8;
const OBJECT = 48;
const TEXT = 16;
const WIDE = /[\u0100-\uffff]/;

// V8 keeps the stack of an error behind a getter of its own, which newer versions show.
const STACK = Object.getOwnPropertyDescriptor(new Error("sample"), "stack");

/**
 * Takes a snapshot of a value. No getter, `toJSON` or other code of the value is run.
 *
 * @throws {NotCarriableError} for what would not come back equal.
 */
export function takeSnapshot(value: unknown): Snapshot {
  return new Walk().snapshot(value);
}

/** A walk through one value, which knows where it is. */
class Walk implements Members {
  readonly #copies = new Map<object, object>();
  readonly #open: object[] = [];
  readonly #places: (string | number)[] = [];
  #bytes = 0;
  #fixed = true;
  #plain = true;
  #json = true;
  #freezable = true;
  #graph = false;

  snapshot(value: unknown): Snapshot {
    const copy = this.member(value, "");
    return {
      value: this.#fixed ? value : copy,
      form: this.#form(),
      json: this.#json && this.#plain && !this.#graph,
      freezable: this.#freezable,
      bytes: this.#bytes,
    };
  }

  #form(): Form {
    if (this.#fixed) return "fixed";
    if (this.#graph) return "graph";
    return this.#plain ? "tree" : "rich";
  }

  member(value: unknown, place: string | number): unknown {
    this.#places[this.#open.length] = place;
    this.#bytes += SLOT;
    if (typeof value === "object") return value === null ? value : this.#object(value);
    if (typeof value === "string") {
      this.#bytes += TEXT + (WIDE.test(value) ? 2 * value.length : value.length);
    } else if (typeof value === "number") {
      if (!Number.isFinite(value) || Object.is(value, -0)) this.#json = false;
    } else if (typeof value !== "boolean") {
      this.#rare(value);
    }
    return value;
  }

  #rare(value: unknown): void {
    if (typeof value === "function" || typeof value === "symbol") this.#refuse(show(value));
    if (typeof value === "bigint") this.#bytes += TEXT + value.toString(16).length;
    this.#json = false;
  }

  #object(value: object): object {
    const known = this.#copies.get(value);
    if (known === undefined) return this.#newObject(value);
    this.#graph = true;
    return known;
  }

  #newObject(value: object): object {
    if (types.isProxy(value)) this.#refuse("a Proxy");
    const kind = kindOf(value);
    if (kind === undefined) this.#refuse(describe(value));
    const fault = kind.fault(value);
    if (fault !== undefined) this.#refuse(fault);
    if (this.#open.length === MAX_DEPTH) this.#refuse(`nested more than ${MAX_DEPTH} levels deep`);
    const names = kind.names(value);
    this.#inspect(value, kind, names);
    this.#open.push(value);
    const copy = kind.shell(value, this, names);
    this.#copies.set(value, copy);
    kind.fill(copy, value, this, names);
    this.#open.pop();
    return copy;
  }

  /** Checks the properties of an object, and notes what it means for the whole. */
  #inspect(value: object, kind: Kind, names: readonly string[]): void {
    if (hasSymbols(value)) this.#refuse("an object with symbol-keyed properties");
    if (kind.open) {
      for (const name of names) this.#inspectProperty(value, name);
      this.#fixed &&= isFixed(value, names);
    } else {
      const [added] = names;
      if (added !== undefined) this.#refuseInside(value, added, "a property of a built-in object");
      this.#fixed = this.#freezable = false;
    }
    if (!kind.simple(value, names)) this.#plain = false;
    this.#bytes += OBJECT + kind.bytes(value);
  }

  #inspectProperty(value: object, name: string): void {
    const property = Object.getOwnPropertyDescriptor(value, name)!;
    if ("value" in property) return;
    const isStack = property.get !== undefined && property.get === STACK?.get;
    if (!isStack) this.#refuseInside(value, name, "a getter or setter");
  }

  #refuseInside(value: object, name: string, found: string): never {
    this.#open.push(value);
    this.#places[this.#open.length] = name;
    return this.#refuse(found);
  }

  #refuse(found: string): never {
    const steps = this.#open.map((container, depth) => step(container, this.#places[depth + 1]!));
    const path = steps.join("");
    const short = path.length > 200 ? `${path.slice(0, 100)}…${path.slice(-100)}` : path;
    throw new NotCarriableError(`value${short}`, found);
  }
}

function hasSymbols(value: object): boolean {
  const symbols = Object.getOwnPropertySymbols(value);
  return symbols.some((symbol) => Object.prototype.propertyIsEnumerable.call(value, symbol));
}

/** Whether nothing can change an object itself; the hidden properties of a list are its length. */
function isFixed(value: object, names: readonly string[]): boolean {
  if (!Object.isFrozen(value)) return false;
  return Reflect.ownKeys(value).length === names.length + (Array.isArray(value) ? 1 : 0);
}

/** How a place in a container is written: `.name`, `["other name"]`, `[3]`, `.get("name")`. */
function step(container: object, place: string | number): string {
  if (typeof place === "number") {
    if (types.isMap(container)) return mapStep(container, place);
    return types.isSet(container) ? `.values()[${place}]` : `[${place}]`;
  }
  if (/^\d+$/.test(place)) return `[${place}]`;
  return /^[A-Za-z_$][\w$]*$/.test(place) ? `.${place}` : `[${show(place)}]`;
}

function mapStep(map: ReadonlyMap<unknown, unknown>, place: number): string {
  const index = Math.floor(place / 2);
  if (place % 2 === 0) return `.keys()[${index}]`;
  const key = Array.from(Map.prototype.keys.call(map))[index];
  return typeof key === "object" ? `.values()[${index}]` : `.get(${show(key)})`;
}
