// The store in this process's memory, bounded by entries and by bytes.
import { LRUCache } from "lru-cache";
import { lastUse, retire, type Entry, type Version } from "../entry.js";
import type { LocalStore, Reading } from "./store.js";

/** Bounds of a memory store, and who is told when they push something out. */
export interface MemoryStoreOptions {
  readonly entries: number;
  readonly bytes: number;
  /** Told of entries that had to make room; not of those that expired or were replaced. */
  readonly onEvict?: ((entry: Entry) => void) | undefined;
}

/** What an entry takes beyond its key and value, estimated in bytes. */
const OVERHEAD = 200;

const FEWEST_VERSIONS = 1000;

/** Keeps entries and versions, the least recently used first to go. */
export class MemoryStore implements LocalStore {
  readonly tier = "memory";
  epoch = 0;
  readonly #bytes: number;
  readonly #entries: LRUCache<string, Entry>;
  readonly #versions: LRUCache<string, Version>;

  constructor({ entries, bytes, onEvict }: MemoryStoreOptions) {
    this.#bytes = bytes;
    // Memory for the bookkeeping is taken at once, so no more of it than the bytes allow to use.
    const max = Math.max(1, Math.min(entries, Math.ceil(bytes / OVERHEAD)));
    this.#entries = new LRUCache({
      max,
      maxSize: bytes,
      sizeCalculation: sizeOf,
      dispose: (entry, _key, reason) => {
        retire(entry);
        if (reason === "evict") onEvict?.(entry);
      },
    });
    // Each entry needs several versions, which take little.
    this.#versions = new LRUCache({ max: Math.max(FEWEST_VERSIONS, max) });
  }

  read(keys: readonly string[], tags: readonly string[]): Reading {
    const now = Date.now();
    return {
      entries: keys.map((key) => this.#entry(key, now)),
      versions: tags.map((tag) => this.#version(tag, now)),
      failed: false,
    };
  }

  write(entries: readonly Entry[]): void {
    const now = Date.now();
    for (const entry of entries) this.#put(entry, now);
  }

  add(entry: Entry): boolean {
    const now = Date.now();
    if (this.#entry(entry.key, now) !== undefined) return false;
    this.#put(entry, now);
    return entry.alive;
  }

  remove(keys: readonly string[]): readonly boolean[] {
    const now = Date.now();
    return keys.map((key) => this.#entry(key, now) !== undefined && this.#entries.delete(key));
  }

  establish(versions: readonly Version[]): readonly Version[] {
    const now = Date.now();
    return versions.map((version) => {
      const present = this.#version(version.tag, now);
      if (present !== undefined && lastsLike(present, version, now)) return present;
      this.#versions.set(version.tag, version);
      return version;
    });
  }

  outdate(versions: readonly Version[]): void {
    this.epoch += 1;
    for (const version of versions) this.#versions.set(version.tag, version);
  }

  forget(tags: readonly string[]): readonly boolean[] {
    const now = Date.now();
    this.epoch += 1;
    return tags.map((tag) => this.#version(tag, now) !== undefined && this.#versions.delete(tag));
  }

  empty(): void {
    this.epoch += 1;
    this.#entries.clear();
  }

  /** Keeps an entry, and the versions it carries, among the recently used. */
  touch(entry: Entry): void {
    this.#entries.get(entry.key);
    for (const { tag } of entry.carried) this.#versions.get(tag);
  }

  idle(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #entry(key: string, now: number): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || now < lastUse(entry)) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  #version(tag: string, now: number): Version | undefined {
    const version = this.#versions.get(tag);
    return version !== undefined && now < version.until ? version : undefined;
  }

  #put(entry: Entry, now: number): void {
    if (now >= lastUse(entry) || sizeOf(entry, entry.key) > this.#bytes) {
      this.#entries.delete(entry.key);
      return;
    }
    this.#entries.set(entry.key, entry);
    entry.alive = true;
  }
}

function sizeOf({ held, check = "" }: Entry, key: string): number {
  return Math.ceil(held.bytes) + 2 * (key.length + check.length) + OVERHEAD;
}

/**
 * Whether a version that somebody else has made meanwhile serves as well as the proposed one, so
 * that callers who all found none agree on the first. Proposals last at least twice as long as
 * any entry that will carry them.
 */
function lastsLike(present: Version, proposed: Version, now: number): boolean {
  return present.until - now >= (proposed.until - now) / 2;
}
