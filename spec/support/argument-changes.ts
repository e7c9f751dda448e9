// Lists that say the same as another in another way, and lists that nearly do.
import { cachingId } from "../../src/key/identity.js";
import {
  NAMES,
  pick,
  Place,
  Point,
  type Random,
  randomLeaf,
  record,
  SESSIONS,
} from "./argument-lists.js";

/** The same list in another way: reordered, copied, with more that counts as absent. */
export function rewritten(list: readonly unknown[], random: Random): unknown[] {
  const tail = Array.from({ length: random(3) }, () => undefined);
  return [...list.map((value) => rewrite(value, random)), ...tail];
}

function rewrite(value: unknown, random: Random): unknown {
  if (Array.isArray(value)) return rewriteItems(value, random);
  if (value instanceof Map) {
    const pairs = [...value].map((pair) => pair.map((member) => rewrite(member, random)));
    return new Map(shuffled(pairs as [unknown, unknown][], random));
  }
  if (value instanceof Set) {
    return new Set(shuffled([...value], random).map((member) => rewrite(member, random)));
  }
  if (Buffer.isBuffer(value)) return new Uint8Array(value);
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (value instanceof Date) return new Date(value);
  return isRecord(value) ? rewriteRecord(value, random) : value;
}

function rewriteItems(list: readonly unknown[], random: Random): unknown[] {
  const items: unknown[] = list.map((item) => rewrite(item, random));
  for (const [index, item] of items.entries()) {
    if (item === undefined && random(2) === 0) Reflect.deleteProperty(items, index);
  }
  return items;
}

function rewriteRecord(value: object, random: Random): object {
  const entries = Object.entries(value).map(([name, item]): [string, unknown] => [
    name,
    rewrite(item, random),
  ]);
  if (random(2) === 0 && !Object.hasOwn(value, "c")) entries.push(["c", undefined]);
  return record(shuffled(entries, random), random(3) === 0 ? null : undefined);
}

function isRecord(value: unknown): value is object {
  if (typeof value !== "object" || value === null || cachingId in value) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const result = [...values];
  for (let index = result.length - 1; index > 0; index -= 1) {
    const other = random(index + 1);
    [result[index], result[other]] = [result[other] as T, result[index] as T];
  }
  return result;
}

/** A list with one small change somewhere. */
export function nudged(list: readonly unknown[], random: Random): unknown[] {
  return nudgeItems(list, random);
}

function nudgeItems(list: readonly unknown[], random: Random): unknown[] {
  const items = [...list];
  const index = random(items.length + 1);
  const kind = random(8);
  if (index === items.length) items.push(randomLeaf(random));
  else if (kind === 0) items.splice(index, 1);
  else if (kind === 1) items.splice(index, 2, items.slice(index, index + 2));
  else if (kind === 2) items.splice(index, 1, ...asItems(items[index]));
  else if (kind === 3) items.reverse();
  else items[index] = nudge(items[index], random);
  return items;
}

function asItems(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return typeof value === "string" ? value.split(",") : [value];
}

function nudge(value: unknown, random: Random): unknown {
  if (Array.isArray(value)) return random(8) === 0 ? new Set(value) : nudgeItems(value, random);
  if (value instanceof Map) return nudgeMap(value, random);
  if (value instanceof Set)
    return random(8) === 0 ? [...value] : new Set(nudgeItems([...value], random));
  if (isRecord(value)) return nudgeRecord(value, random);
  const others = nearby(value);
  return others.length > 0 && random(8) > 0 ? pick(random, others) : randomLeaf(random);
}

function nudgeMap(map: ReadonlyMap<unknown, unknown>, random: Random): unknown {
  const pairs = [...map];
  const at = random(pairs.length + 1);
  const pair = pairs[at];
  if (pair === undefined)
    return random(2) === 0 ? pairs : new Map([...pairs, [randomLeaf(random), 1]]);
  pairs[at] = pick<() => [unknown, unknown]>(random, [
    () => [pair[1], pair[0]],
    () => [pair[0], nudge(pair[1], random)],
    () => [nudge(pair[0], random), pair[1]],
  ])();
  return new Map(pairs);
}

function nudgeRecord(value: object, random: Random): unknown {
  const entries = Object.entries(value);
  const at = random(entries.length + 1);
  const entry = entries[at];
  if (entry === undefined)
    return random(2) === 0
      ? entries
      : record([...entries, [pick(random, NAMES), randomLeaf(random)]]);
  entries[at] = pick<() => [string, unknown]>(random, [
    () => [pick(random, NAMES), entry[1]],
    () => [entry[0], nudge(entry[1], random)],
    () => [entry[0], undefined],
  ])();
  return record(entries);
}

/** Values of another type that look the same, and values of the same type that nearly do. */
function nearby(value: unknown): unknown[] {
  if (typeof value === "number") {
    return [String(value), -value, value + 1, [value], new Date(value), value === 1];
  }
  if (typeof value === "bigint") return [String(value), Number(value), `${value}n`, value + 1n];
  if (typeof value === "string") return nearbyText(value);
  if (typeof value === "object") return nearbyObject(value);
  return [`${value as undefined}`, null, Number(value), undefined];
}

function nearbyText(text: string): unknown[] {
  return [`${text} `, text.slice(1), `"${text}"`, [text], text.normalize("NFD"), Number(text)];
}

function nearbyObject(value: object | null): unknown[] {
  if (value === null) return [undefined, "null", 0, {}, []];
  if (value instanceof Date) return [value.getTime(), new Date(value.getTime() + 1), {}];
  if (value instanceof RegExp) return [value.source, String(value), new RegExp(value.source, "m")];
  if (value instanceof URL) return [value.href, new URL(`${value.href}#`)];
  if (value instanceof Point) return [value.id, new Point(value.id), new Place(value.id)];
  if (value instanceof Uint8Array)
    return [[...value], new Int8Array(value), value.buffer, value.slice(1)];
  return [...SESSIONS];
}
