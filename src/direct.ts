// Entries by their keys, without a function that could compute them: what the proxies do.
import { lifetime } from "./duration.js";
import { judge, makeEntry, type Entry, type Version } from "./entry.js";
import { OptionError, show } from "./errors.js";
import { holds, unknownTags, type Marks } from "./judgement.js";
import type { Lookup } from "./lookup.js";
import type { LocalStore, Reading } from "./store/store.js";
import { hold } from "./value/copy.js";
import { ROOT } from "./versions.js";

/** Keys with their values. */
export type Pairs = readonly (readonly [string, unknown])[];

/** The entries of these keys that hold and are fresh, in their order. */
export async function find(
  lookup: Lookup,
  keys: readonly string[],
): Promise<readonly (Entry | undefined)[]> {
  const { entries, marks } = await look(lookup, keys);
  return entries.map((entry) => (isGood(entry, marks) ? entry : undefined));
}

/** What there is under keys, with all that it takes to judge it. */
async function look(
  lookup: Lookup,
  keys: readonly string[],
): Promise<{ readonly entries: Reading["entries"]; readonly marks: Marks }> {
  const { entries, versions } = await lookup.store.read(keys, [ROOT]);
  const marks: Marks = new Map([[ROOT, versions[0]?.mark]]);
  await lookup.learn(
    marks,
    entries.filter((entry) => entry !== undefined),
  );
  return { entries, marks };
}

function isGood(entry: Entry | undefined, marks: Marks): boolean {
  return entry !== undefined && judge(entry, Date.now()) === "fresh" && holds(entry, marks, [ROOT]);
}

/** Stores values; what is being computed for their keys will not replace them. */
export async function set(lookup: Lookup, pairs: Pairs, timeout: unknown): Promise<number> {
  const keys = pairs.map(([key]) => key);
  const entries = await entriesOf(lookup, pairs, timeout);
  drop(lookup, keys);
  if (entries.length > 0) await lookup.store.write(entries);
  // What cannot be replaced must not come back when the store does.
  else await lookup.store.remove(keys);
  return entries.length;
}

/** Stores a value unless its key has one that holds; tells whether it did. */
export async function add(lookup: Lookup, pair: Pairs[number], timeout: unknown): Promise<boolean> {
  const [entry] = await entriesOf(lookup, [pair], timeout);
  if (entry === undefined) return false;
  const { local } = lookup;
  if (local !== undefined) return addAtOnce(lookup, local, entry);
  return lookup.inTurn(entry.key, () => addInSteps(lookup, entry));
}

/** In this process's memory nobody comes between the look and the write. */
function addAtOnce(lookup: Lookup, local: LocalStore, entry: Entry): boolean {
  const { entries, versions } = local.read([entry.key], [ROOT]) as Reading;
  const marks: Marks = new Map([[ROOT, versions[0]?.mark]]);
  const present = entries.filter((one) => one !== undefined);
  learnAtOnce(local, marks, present);
  if (isGood(present[0], marks)) return false;
  drop(lookup, [entry.key]);
  void local.remove([entry.key]);
  return local.add(entry) === true;
}

/** The marks of the tags that entries carry, as `Lookup.learn()` reads them, without waiting. */
export function learnAtOnce(local: LocalStore, marks: Marks, entries: readonly Entry[]): void {
  const unknown = unknownTags(marks, entries);
  const { versions } = local.read([], unknown) as Reading;
  unknown.forEach((tag, index) => marks.set(tag, versions[index]?.mark));
}

async function addInSteps(lookup: Lookup, entry: Entry): Promise<boolean> {
  const { entries, marks } = await look(lookup, [entry.key]);
  if (isGood(entries[0], marks)) return false;
  // An entry that is there but does not hold must not keep the new one out.
  if (entries[0] !== undefined) await lookup.store.remove([entry.key]);
  const added = await lookup.store.add(entry);
  if (added) drop(lookup, [entry.key]);
  return added;
}

/** Deletes entries, and keeps computations under way from bringing them back. */
export async function remove(lookup: Lookup, keys: readonly string[]): Promise<boolean[]> {
  const found = await find(lookup, keys);
  drop(lookup, keys);
  await lookup.store.remove(keys);
  // A computation that started meanwhile may have read what is deleted for a reason.
  drop(lookup, keys);
  lookup.teller.deleted(keys);
  return found.map((entry) => entry !== undefined);
}

/** Empties the namespace. */
export async function clear(lookup: Lookup): Promise<void> {
  lookup.flights.dropAll();
  await lookup.versions.outdate([ROOT]);
  lookup.store.empty();
}

function drop(lookup: Lookup, keys: readonly string[]): void {
  for (const key of keys) lookup.flights.drop(key);
}

/** Entries for values; none when the store cannot say which version they would carry. */
async function entriesOf(
  lookup: Lookup,
  pairs: Pairs,
  timeout: unknown,
): Promise<readonly Entry[]> {
  const life = timeout === undefined ? lookup.life : lifetime(timeout, "timeout");
  const held = pairs.map(([key, value]) => ({
    key: checkKey(key),
    held: hold(value, lookup.sharing),
  }));
  const root = await rootVersion(lookup, life);
  if (root === undefined) return [];
  const storedAt = Date.now();
  const until = Math.min(storedAt + life, root.until);
  const times = { storedAt, freshUntil: until, staleUntil: until, errorUntil: until, cost: 0 };
  const bare = { carried: [root], owner: undefined, check: undefined };
  return held.map((kept) => makeEntry({ ...kept, ...times, ...bare }));
}

/** The version that every entry carries, made if there is none. */
async function rootVersion(lookup: Lookup, life: number): Promise<Version | undefined> {
  const asked = lookup.versions.turn();
  const { failed, versions: found } = await lookup.store.read([], [ROOT]);
  if (failed) return undefined;
  const proposed = lookup.versions.propose([ROOT], found, life);
  return (await lookup.versions.establish([ROOT], { found, asked }, proposed))[0];
}

/** Pairs as `setMany()` takes them: a Map, entries, or an object. */
export function pairsOf(given: unknown): Pairs {
  if (typeof given === "object" && given !== null) {
    const pairs: unknown[] =
      Symbol.iterator in given ? [...(given as Iterable<unknown>)] : Object.entries(given);
    if (pairs.every((pair) => Array.isArray(pair))) return pairs as unknown as Pairs;
  }
  throw new OptionError(
    `setMany() takes a Map, an object or a list of [key, value]; got ${show(given)}.`,
  );
}

/** Checks a list of keys. */
export function checkKeys(keys: unknown, method: string): readonly string[] {
  if (Array.isArray(keys)) return keys.map((key) => checkKey(key));
  throw new OptionError(`${method}() takes a list of keys; got ${show(keys)}.`);
}

/** Checks one key. */
export function checkKey(key: unknown): string {
  if (typeof key === "string" && key !== "") return key;
  throw new OptionError(`A key must be a non-empty text; got ${show(key)}.`);
}
