// Entries and versions for specs of stores, with everything that is not said filled in.
import { makeEntry, type Entry, type EntryFacts, type Version } from "../../src/entry.js";
import { hold } from "../../src/value/copy.js";

/** An entry of a value, fresh for an hour. */
export function entryOf(key: string, value: unknown, facts: Partial<EntryFacts> = {}): Entry {
  const freshUntil = facts.freshUntil ?? Date.now() + 3_600_000;
  return makeEntry({
    key,
    held: hold(value, "copy"),
    storedAt: Date.now(),
    freshUntil,
    staleUntil: freshUntil,
    errorUntil: freshUntil,
    cost: 0,
    carried: [],
    owner: undefined,
    check: undefined,
    ...facts,
  });
}

/** A version that lasts for a day. */
export function versionOf(
  tag: string,
  mark: string,
  until: number = Date.now() + 86_400_000,
): Version {
  return { tag, mark, until };
}

/** The values of entries read, `ABSENT` where there was none. */
export function valuesOf(entries: readonly (Entry | undefined)[]): unknown[] {
  return entries.map((entry) => (entry === undefined ? ABSENT : entry.held.give()));
}

/** Stands for "no entry" where `undefined` is a value. */
export const ABSENT: unique symbol = Symbol("absent");
