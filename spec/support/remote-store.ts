// A store in another process, as the engine sees one: every answer takes until a spec lets it go.
import { lastUse, makeEntry, type Entry, type Version } from "../../src/entry.js";
import type { Reading, Store } from "../../src/store/store.js";

/** What a store can be asked. */
type Operation = "read" | "write" | "add" | "remove" | "establish" | "outdate" | "forget";

/** What a key is about to have. */
interface Written {
  readonly entry: Entry | undefined;
}

/** Two of them with the same `data` are two processes on one server. */
export class RemoteStore implements Store {
  readonly tier = "remote";
  readonly entries: Map<string, Entry>;
  readonly versions: Map<string, Version>;
  /** The operations so far, in their order. */
  readonly calls: Operation[] = [];
  /** Whether reads fail and writes are lost. */
  down = false;
  /** What an operation waits for, before and after the server has done it. */
  before: (operation: Operation) => Promise<unknown> = () => Promise.resolve();
  after: (operation: Operation) => Promise<unknown> = () => Promise.resolve();

  /** What is on its way to the server, which this process sees at once. */
  readonly #written = new Map<string, Written>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    data: Pick<RemoteStore, "entries" | "versions"> = { entries: new Map(), versions: new Map() },
  ) {
    this.entries = data.entries;
    this.versions = data.versions;
  }

  read(keys: readonly string[], tags: readonly string[]): Promise<Reading> {
    const written = keys.map((key) => this.#written.get(key));
    return this.#do("read", () => ({
      entries: keys.map((key, index) => {
        if (this.down) return undefined;
        return written[index] === undefined ? this.#entry(key) : written[index].entry;
      }),
      versions: tags.map((tag) => (this.down ? undefined : this.versions.get(tag))),
      failed: this.down,
    }));
  }

  write(entries: readonly Entry[]): Promise<void> {
    return this.#put(
      "write",
      entries.map((entry) => [entry.key, { entry }] as const),
      () => {
        if (!this.down) for (const entry of entries) this.entries.set(entry.key, entry);
      },
    );
  }

  add(entry: Entry): Promise<boolean> {
    return this.#do("add", () => {
      if (this.down || this.#entry(entry.key) !== undefined) return false;
      this.entries.set(entry.key, entry);
      return true;
    });
  }

  remove(keys: readonly string[]): Promise<boolean[]> {
    return this.#put(
      "remove",
      keys.map((key) => [key, { entry: undefined }] as const),
      () => keys.map((key) => this.entries.delete(key)),
    );
  }

  establish(versions: readonly Version[]): Promise<(Version | undefined)[]> {
    return this.#do("establish", () =>
      versions.map((version) => {
        if (this.down) return undefined;
        const known = this.versions.get(version.tag);
        if (known === undefined) this.versions.set(version.tag, version);
        return known ?? version;
      }),
    );
  }

  outdate(versions: readonly Version[]): Promise<void> {
    return this.#do("outdate", () => {
      for (const version of versions) this.versions.set(version.tag, version);
    });
  }

  forget(tags: readonly string[]): Promise<boolean[]> {
    return this.#do("forget", () => tags.map((tag) => this.versions.delete(tag)));
  }

  empty(): void {}

  async idle(): Promise<void> {}

  async close(): Promise<void> {}

  /** A copy, as a server gives one. */
  #entry(key: string): Entry | undefined {
    const entry = this.entries.get(key);
    return entry === undefined || lastUse(entry) <= Date.now() ? undefined : makeEntry(entry);
  }

  async #put<T>(
    operation: Operation,
    changes: readonly (readonly [string, Written])[],
    act: () => T,
  ): Promise<T> {
    for (const [key, written] of changes) this.#written.set(key, written);
    const done = await this.#do(operation, act);
    for (const [key, written] of changes) {
      if (this.#written.get(key) === written) this.#written.delete(key);
    }
    return done;
  }

  /** What changes something arrives in its order, as on one connection. */
  async #do<T>(operation: Operation, act: () => T): Promise<T> {
    this.calls.push(operation);
    const done =
      operation === "read"
        ? this.#arrive(operation, act)
        : this.#last.then(() => this.#arrive(operation, act));
    if (operation !== "read") this.#last = done;
    const result = await done;
    await this.after(operation);
    return result;
  }

  async #arrive<T>(operation: Operation, act: () => T): Promise<T> {
    await this.before(operation);
    return act();
  }
}
