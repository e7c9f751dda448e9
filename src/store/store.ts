// The contract that every store keeps.
import type { Entry, Version } from "../entry.js";

/** The tag whose version every entry carries: what replaces it outdates all of a namespace. */
export const ROOT = "r:";

/** A value now, from a store in this process, or a promise of it. */
export type MaybePromise<T> = T | Promise<T>;

/** What one round trip brought, in the order asked. */
export interface Reading {
  readonly entries: readonly (Entry | undefined)[];
  readonly versions: readonly (Version | undefined)[];
  /** The store could not be asked: nothing above is known, and nothing should be stored now. */
  readonly failed: boolean;
}

/** Tells of a failure that the caller was spared. */
export type Report = (error: Error, key?: string) => void;

/**
 * Where entries and the versions of tags live. No method rejects or throws (in strict mode they
 * do), and none takes longer than the store's deadline. What is unreadable is absent.
 *
 * Keys and tags are any text; the two never meet, nor do two namespaces.
 */
export interface Store {
  /** The name of the store in events: `memory`, `null`, `redis` … */
  readonly tier: string;
  /** Entries and versions together, in one round trip. Entries are isolated: `held.give()` is a copy. */
  read(keys: readonly string[], tags: readonly string[]): MaybePromise<Reading>;
  /** Stores entries until `lastUse(entry)`; an entry already past that is removed. */
  write(entries: readonly Entry[]): MaybePromise<void>;
  /** Stores an entry if its key is absent; tells whether it did. */
  add(entry: Entry): MaybePromise<boolean>;
  /** Removes entries; tells for each whether it was there. */
  remove(keys: readonly string[]): MaybePromise<readonly boolean[]>;
  /**
   * Writes versions that were absent (or would end too early), and gives those that hold
   * afterwards, which are another process's where it wrote later; `undefined` where the store failed.
   */
  establish(versions: readonly Version[]): MaybePromise<readonly (Version | undefined)[]>;
  /**
   * Replaces versions: what carries an older mark is dead, in this process at once and elsewhere
   * when this resolves. A failing store keeps them and sends them again before it is trusted.
   */
  outdate(versions: readonly Version[]): MaybePromise<void>;
  /** Removes versions, which outdates what carries them; tells for each whether it was there. */
  forget(tags: readonly string[]): MaybePromise<readonly boolean[]>;
  /** Drops what can be dropped at once; entries elsewhere die by the version that `clear()` bumps. */
  empty(): void;
  /** Resolves when nothing that the store does in the background is under way. */
  idle(): Promise<void>;
  /** Ends what the store opened itself. */
  close(): Promise<void>;
}

/** A store in this process: it answers at once, and its entries can be held by reference. */
export interface LocalStore extends Store {
  /** Grows at each invalidation: an entry seen to hold at this count still holds. */
  readonly epoch: number;
  /** Keeps an entry among the recently used. */
  touch(entry: Entry): void;
}

/** Whether a store is one in this process. */
export function isLocal(store: Store): store is LocalStore {
  return "epoch" in store;
}
