// A store in front of another one that keeps a record of what it is asked.
import type { Entry, Version } from "../../src/entry.js";
import { MemoryStore } from "../../src/store/memory.js";
import type { LocalStore, MaybePromise, Reading } from "../../src/store/store.js";

/** One operation: its name, and the keys or tags that it was about. */
export type Operation = readonly [name: string, ...about: string[]];

/** A memory store that records. */
export class RecordingStore implements LocalStore {
  readonly tier = "recording";
  readonly operations: Operation[] = [];
  readonly #store = new MemoryStore({ entries: 10_000, bytes: 64 * 1024 * 1024 });

  get epoch(): number {
    return this.#store.epoch;
  }

  /** The operations since the last time. */
  take(): readonly Operation[] {
    return this.operations.splice(0);
  }

  /** Loses entries or versions, as a store may that is short of room. */
  lose(what: { readonly keys?: readonly string[]; readonly tags?: readonly string[] }): void {
    this.#store.remove(what.keys ?? []);
    this.#store.forget(what.tags ?? []);
  }

  /** The version of a tag as another process would read it. */
  versionOf(tag: string): Version | undefined {
    return this.#store.read([], [tag]).versions[0];
  }

  read(keys: readonly string[], tags: readonly string[]): Reading {
    this.operations.push(["read", ...keys, ...tags]);
    return this.#store.read(keys, tags);
  }

  write(entries: readonly Entry[]): void {
    this.operations.push(["write", ...entries.map(({ key }) => key)]);
    this.#store.write(entries);
  }

  add(entry: Entry): boolean {
    this.operations.push(["add", entry.key]);
    return this.#store.add(entry);
  }

  remove(keys: readonly string[]): readonly boolean[] {
    this.operations.push(["remove", ...keys]);
    return this.#store.remove(keys);
  }

  establish(versions: readonly Version[]): readonly Version[] {
    this.operations.push(["establish", ...versions.map(({ tag }) => tag)]);
    return this.#store.establish(versions);
  }

  outdate(versions: readonly Version[]): void {
    this.operations.push(["outdate", ...versions.map(({ tag }) => tag)]);
    this.#store.outdate(versions);
  }

  forget(tags: readonly string[]): MaybePromise<readonly boolean[]> {
    this.operations.push(["forget", ...tags]);
    return this.#store.forget(tags);
  }

  empty(): void {
    this.operations.push(["empty"]);
    this.#store.empty();
  }

  touch(entry: Entry): void {
    this.#store.touch(entry);
  }

  idle(): Promise<void> {
    return this.#store.idle();
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
