// A store shared by several caches, whose operations take effect and end when a scheduler says so.
import { makeEntry, type Entry, type Version } from "../../src/entry.js";
import type { Reading, Store } from "../../src/store/store.js";
import type { Scheduler } from "./scheduler.js";

/** What several processes see. */
export class SharedMemory {
  readonly entries: Map<string, Entry> = new Map();
  readonly versions: Map<string, Version> = new Map();
}

/**
 * The store as one process has it. What it writes under one name takes effect in the order in which
 * it was asked, and before what it reads there later; everything else in any order.
 */
export class ScheduledStore implements Store {
  readonly tier = "scheduled";
  readonly #memory: SharedMemory;
  readonly #scheduler: Scheduler;
  readonly #writes = new Map<string, Promise<unknown>>();

  constructor(memory: SharedMemory, scheduler: Scheduler) {
    this.#memory = memory;
    this.#scheduler = scheduler;
  }

  read(keys: readonly string[], tags: readonly string[]): Promise<Reading> {
    return this.#operate([], [...keys, ...tags.map(versionName)], () => ({
      entries: keys.map((key) => {
        const entry = this.#memory.entries.get(key);
        return entry && makeEntry({ ...entry });
      }),
      versions: tags.map((tag) => this.#memory.versions.get(tag)),
      failed: false,
    }));
  }

  write(entries: readonly Entry[]): Promise<void> {
    return this.#operate(
      entries.map(({ key }) => key),
      [],
      () => {
        for (const entry of entries) this.#memory.entries.set(entry.key, makeEntry({ ...entry }));
      },
    );
  }

  add(entry: Entry): Promise<boolean> {
    return this.#operate([entry.key], [], () => {
      if (this.#memory.entries.has(entry.key)) return false;
      this.#memory.entries.set(entry.key, makeEntry({ ...entry }));
      return true;
    });
  }

  remove(keys: readonly string[]): Promise<readonly boolean[]> {
    return this.#operate(keys, [], () => keys.map((key) => this.#memory.entries.delete(key)));
  }

  /** Writes, and then looks what holds: another process may have written in between. */
  async establish(versions: readonly Version[]): Promise<readonly (Version | undefined)[]> {
    await this.outdate(versions);
    const reading = await this.read(
      [],
      versions.map(({ tag }) => tag),
    );
    return reading.versions;
  }

  outdate(versions: readonly Version[]): Promise<void> {
    const names = versions.map(({ tag }) => versionName(tag));
    return this.#operate(names, [], () => {
      for (const version of versions) this.#memory.versions.set(version.tag, version);
    });
  }

  forget(tags: readonly string[]): Promise<readonly boolean[]> {
    return this.#operate(tags.map(versionName), [], () =>
      tags.map((tag) => this.#memory.versions.delete(tag)),
    );
  }

  empty(): void {
    // What is stored dies by its version.
  }

  async idle(): Promise<void> {
    await Promise.all(this.#writes.values());
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #operate<T>(
    written: readonly string[],
    read: readonly string[],
    effect: () => T,
  ): Promise<T> {
    const before = [...written, ...read].map(async (name) => this.#writes.get(name));
    let takeEffect!: () => void;
    const effective = new Promise<void>((resolve) => (takeEffect = resolve));
    for (const name of written) this.#writes.set(name, effective);
    await Promise.all(before);
    await this.#scheduler.pause();
    const result = effect();
    takeEffect();
    await this.#scheduler.pause();
    return result;
  }
}

function versionName(tag: string): string {
  return `version of ${tag}`;
}
