// Objects as text, by content where they have no class of their own.
import { types } from "node:util";

import { ArgumentKeyError, show } from "../errors.js";
import { builtIn, type BuiltIn, isPlain, isPlainList } from "./built-in.js";
import { nameText, primitiveText } from "./hash.js";
import { cachingId, identify, unkeyable } from "./identity.js";

const MAX_DEPTH = 100;
const MAX_ELEMENTS = 10_000;
const BEYOND_ELEMENTS = `beyond ${MAX_ELEMENTS} elements in all`;
// Escaped sixfold it is still far from the longest string that V8 can make.
const MAX_TEXT = 2 ** 24;
const REMEDY =
  "Pass plain data, or say what the result depends on with the option argsKey: (...args) => value.";

const { __lookupGetter__: lookupGetter } = Object.prototype as unknown as Record<
  "__lookupGetter__",
  (name: PropertyKey) => unknown
>;

/** Encodes the objects of one argument list; knows where it is, and how much it has met. */
export class Encoder {
  readonly #open: object[] = [];
  readonly #path: (string | number)[] = [];
  #elements = 0;
  #text = 0;

  /** The first `count` arguments with commas between them. */
  arguments(args: readonly unknown[], count: number): string {
    if (count > MAX_ELEMENTS) this.#refuse(BEYOND_ELEMENTS);
    let text = "";
    for (let index = 0; index < count; index += 1) {
      const part = this.member(args[index], index);
      text = index === 0 ? part : `${text},${part}`;
    }
    return text;
  }

  /** The value at a place of the innermost open container, an argument where none is open. */
  member(value: unknown, place: string | number): string {
    this.#path[this.#open.length] = place;
    if (typeof value === "string") this.measure(value.length);
    return primitiveText(value) ?? this.#object(value as object);
  }

  /** Counts text of some length, before it is made. */
  measure(length: number): void {
    this.#text += length;
    if (this.#text > MAX_TEXT) this.#refuse(`beyond ${MAX_TEXT} characters in all`);
  }

  /** What `members` gives, which encodes the members of a container, at most `size` of them. */
  within(container: object, size: number, members: () => string): string {
    if (this.#open.includes(container)) this.#refuse("part of a cycle");
    if (this.#open.length === MAX_DEPTH) this.#refuse(`nested more than ${MAX_DEPTH} deep`);
    this.#elements += size;
    if (this.#elements > MAX_ELEMENTS) this.#refuse(BEYOND_ELEMENTS);
    this.#open.push(container);
    const text = members();
    this.#open.pop();
    return text;
  }

  #object(value: object): string {
    if (typeof value !== "object") this.#refuse(show(value));
    if (types.isProxy(value)) this.#refuse("a Proxy");
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (isPlain(prototype)) return this.#record(value);
    if (Array.isArray(value) && isPlainList(prototype)) return this.#list(value);
    const kind = builtIn(value, prototype as object);
    return kind === undefined ? this.#instance(value) : this.#builtIn(value, kind);
  }

  #record(record: object): string {
    if (cachingId in record) return this.#instance(record);
    const [symbol] = Object.getOwnPropertySymbols(record);
    if (symbol !== undefined) this.#refuse("an object with symbol-keyed properties");
    const names = Object.getOwnPropertyNames(record);
    return this.within(record, names.length, () => this.#properties(record, inOrder(names)));
  }

  #properties(record: object, names: readonly string[]): string {
    let text = "";
    for (const name of names) {
      const value = this.#own(record, name);
      if (value === undefined) continue;
      this.measure(name.length);
      const part = `${nameText(name)}:${this.member(value, name)}`;
      text = text === "" ? part : `${text},${part}`;
    }
    return `{${text}}`;
  }

  #list(list: readonly unknown[]): string {
    return this.within(list, list.length, () => {
      // The keys are in order: the indices, "length", what was added.
      const keys = Reflect.ownKeys(list);
      const last = keys[keys.length - 1] as string | symbol;
      if (last !== "length") this.#refuseAt(String(last), "a property added to a list");
      return `[${this.#items(list)}]`;
    });
  }

  #items(list: readonly unknown[]): string {
    let text = "";
    for (let index = 0; index < list.length; index += 1) {
      const part = this.member(this.#item(list, index), index);
      text = index === 0 ? part : `${text},${part}`;
    }
    return text;
  }

  #builtIn(value: object, { own, spell }: BuiltIn): string {
    if (own < Infinity && Reflect.ownKeys(value).length > own) {
      this.#refuse("a built-in object with properties of its own");
    }
    return spell(value, this);
  }

  #instance(value: object): string {
    const found = unkeyable(value);
    if (found !== undefined) this.#refuse(found);
    return identify(value, () => this.#where());
  }

  // A descriptor of an element costs four times as much as the search for a getter.
  #item(list: readonly unknown[], index: number): unknown {
    if (lookupGetter.call(list, index) !== undefined) this.#refuseAt(index, "a getter");
    return list[index] ?? this.#own(list, index);
  }

  /** The value of an own property, without running a getter. */
  #own(holder: object, place: string | number): unknown {
    const property = Object.getOwnPropertyDescriptor(holder, place);
    if (property === undefined) return undefined;
    if (!("value" in property)) this.#refuseAt(place, "a getter or setter");
    if (property.enumerable !== true) this.#refuseAt(place, "not enumerable");
    return property.value;
  }

  #refuseAt(place: string | number, found: string): never {
    this.#path[this.#open.length] = place;
    return this.#refuse(found);
  }

  #refuse(found: string): never {
    throw new ArgumentKeyError(
      `${this.#where()} is ${found}, which cannot be part of a key. ${REMEDY}`,
    );
  }

  /** `argument 2, at .filter.items[3],` */
  #where(): string {
    if (this.#path.length === 0) return "the argument list";
    const [index, ...places] = this.#path.slice(0, this.#open.length + 1);
    const steps = places.map((place, depth) => step(this.#open[depth] as object, place));
    const inside = steps.length === 0 ? "" : `, at ${shortened(steps)},`;
    return `argument ${Number(index) + 1}${inside}`;
  }
}

function shortened(steps: readonly string[]): string {
  return steps.length <= 20
    ? steps.join("")
    : [...steps.slice(0, 10), "…", ...steps.slice(-10)].join("");
}

/** Sorted names; sorting costs more than seeing that it is not needed. */
function inOrder(names: readonly string[]): readonly string[] {
  for (let index = 1; index < names.length; index += 1) {
    if ((names[index] as string) < (names[index - 1] as string)) return names.toSorted();
  }
  return names;
}

/** How a place in a container is written: `.name`, `["other name"]`, `[3]`, `.keys()[3]`. */
function step(container: object, place: string | number): string {
  if (types.isMap(container)) {
    const half = Math.floor(Number(place) / 2);
    return Number(place) % 2 === 0 ? `.keys()[${half}]` : `.values()[${half}]`;
  }
  if (types.isSet(container)) return `.values()[${place}]`;
  if (typeof place === "number") return `[${place}]`;
  return /^[A-Za-z_$][\w$]{0,40}$/.test(place) ? `.${place}` : `[${show(place)}]`;
}
