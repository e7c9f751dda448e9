// Keeps a value in memory so that nobody who is given it can change it for anybody else.
import { types } from "node:util";

import type { Held } from "../entry.js";
import { kindOf } from "./judge.js";
import type { Members } from "./kind.js";
import { type Form, type Snapshot, takeSnapshot } from "./snapshot.js";

/**
 * Takes a value into safe keeping. `copy` gives everyone a copy of his own, `freeze` gives all one
 * deep-frozen copy, where everything in the value can be frozen. The value itself is neither
 * changed nor kept, unless nothing in it can change: then it is shared as it is.
 *
 * @throws {NotCarriableError} for what would not come back equal.
 */
export function hold(value: unknown, mode: "copy" | "freeze"): Held {
  const snapshot = takeSnapshot(value);
  if (mode === "copy" || !snapshot.freezable) return new HeldSnapshot(snapshot, snapshot.form);
  freeze(snapshot.value);
  return new HeldSnapshot(snapshot, "fixed");
}

/** A snapshot in safe keeping. */
export class HeldSnapshot implements Held {
  readonly bytes: number;
  readonly shared: boolean;
  /** Whether JSON carries the value without loss. */
  readonly json: boolean;
  /** The snapshot itself, for reading only. */
  readonly value: unknown;
  readonly #form: Form;

  constructor({ value, bytes, json }: Snapshot, form: Form) {
    this.bytes = bytes;
    this.shared = form === "fixed";
    this.json = json;
    this.value = value;
    this.#form = form;
  }

  give(): unknown {
    if (this.#form === "fixed") return this.value;
    if (this.#form === "tree") return copyTree(this.value as Properties);
    const copies = this.#form === "graph" ? new Map<object, object>() : undefined;
    return new Copier(copies).copy(this.value as object);
  }
}

type Properties = Record<string, unknown>;

/** Copies plain objects and dense lists, none of which is met twice. */
function copyTree(source: Properties | readonly unknown[]): Properties | unknown[] {
  return Array.isArray(source) ? copyList(source) : copyRecord(source as Properties);
}

function copyList(source: readonly unknown[]): unknown[] {
  const copy = source.slice();
  for (let index = 0; index < copy.length; index += 1) {
    const value = copy[index];
    if (typeof value === "object" && value !== null) copy[index] = copyTree(value as Properties);
  }
  return copy;
}

// Spreading keeps the compact shape of the source; `for in` is twice as fast as `Object.keys()`.
function copyRecord(source: Properties): Properties {
  const copy = { ...source };
  for (const name in copy) {
    const value = copy[name];
    if (typeof value === "object" && value !== null && Object.hasOwn(source, name)) {
      copy[name] = copyTree(value as Properties);
    }
  }
  return copy;
}

const NONE: readonly string[] = [];

/** Copies what a snapshot may hold; with a Map of copies, what is met twice is copied once. */
class Copier implements Members {
  readonly #copies: Map<object, object> | undefined;

  constructor(copies: Map<object, object> | undefined) {
    this.#copies = copies;
  }

  member(value: unknown): unknown {
    return typeof value === "object" && value !== null ? this.copy(value) : value;
  }

  copy(source: object): object {
    const known = this.#copies?.get(source);
    if (known !== undefined) return known;
    const kind = kindOf(source)!;
    const names = kind.open ? kind.names(source) : NONE;
    const copy = kind.shell(source, this, names);
    this.#copies?.set(source, copy);
    kind.fill(copy, source, this, names);
    return copy;
  }
}

/** Freezes every object of a snapshot that consists of plain objects, lists and errors. */
function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  const hidden = types.isNativeError(value) ? [value.cause, Reflect.get(value, "errors")] : [];
  for (const member of [...Object.values(value), ...hidden]) freeze(member);
}
