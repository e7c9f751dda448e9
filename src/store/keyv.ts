// Entries and versions in anything that is shaped like a Keyv.
import { lastUse, type Entry, type Version } from "../entry.js";
import { Addresses } from "./address.js";
import type { BreakerLimits } from "./breaker.js";
import { Courier } from "./courier.js";
import { within } from "./deadline.js";
import { readEntry, readVersion, writeEntry, writeVersion } from "./envelope.js";
import { Reads, type Found } from "./reads.js";
import { Remote, type Source } from "./remote.js";
import { ROOT, type Reading, type Report, type Store } from "./store.js";
import { Writes, type Change } from "./writes.js";

/** What a store over Keyv is made of. */
export interface KeyvStoreOptions {
  readonly source: Source;
  /** Kept apart from every other one on the same back-end. */
  readonly namespace: string;
  /** How long an operation may take, in milliseconds. */
  readonly storeTimeout: number;
  readonly breaker: BreakerLimits;
  /** Failures are thrown instead of being reported. */
  readonly strict: boolean;
  readonly report: Report;
}

/** What is looked for, where it lies, and until when it must be found. */
interface Sought {
  readonly keys: readonly string[];
  readonly entries: readonly string[];
  readonly tags: readonly string[];
  readonly versions: readonly string[];
  readonly deadline: number;
}

const NOTHING: Found = new Map();

/**
 * A store in another process. An entry being written is visible in this process at once; whoever
 * reads a version being written waits for it.
 */
export class KeyvStore implements Store {
  readonly tier: string;
  readonly #strict: boolean;
  readonly #addresses: Addresses;
  readonly #remote: Remote;
  readonly #reads: Reads;
  readonly #writes: Writes;

  constructor(options: KeyvStoreOptions) {
    const { source, namespace, strict } = options;
    this.tier = source.tier;
    this.#strict = strict;
    this.#addresses = new Addresses(namespace, source.foldsCase);
    this.#remote = new Remote({ ...options, everything: this.#addresses.version(ROOT) });
    this.#reads = new Reads((addresses, deadline) => this.#remote.read(addresses, deadline));
    const courier = new Courier({ ...options, tier: source.tier, remote: this.#remote });
    this.#writes = new Writes((parcel) => courier.deliver(parcel));
  }

  read(keys: readonly string[], tags: readonly string[]): Promise<Reading> {
    const sought = this.#seek(keys, tags);
    const pending = this.#writes.settled(sought.versions);
    const reading =
      pending === undefined ? this.#look(sought) : pending.then(() => this.#look(sought));
    return this.#or(reading, sought);
  }

  write(entries: readonly Entry[]): Promise<void> {
    return this.#put(entries.map((entry) => this.#change(entry)));
  }

  /**
   * In one step over `@keyv/redis`. Over anything else another process may come between the look
   * and the write; within this process only one of several callers stores.
   */
  async add(entry: Entry): Promise<boolean> {
    try {
      return await this.#add(entry, this.#seek([entry.key], []));
    } catch (error) {
      if (this.#strict) throw error;
      return false;
    }
  }

  async remove(keys: readonly string[]): Promise<readonly boolean[]> {
    const { entries } = await this.#remove(this.#seek(keys, []));
    return entries.map((entry) => entry !== undefined);
  }

  async establish(versions: readonly Version[]): Promise<readonly (Version | undefined)[]> {
    const sought = this.#seek(
      [],
      versions.map(({ tag }) => tag),
    );
    const changes = new Map(versions.map((version) => this.#versionChange(version, false)));
    const holding = this.#writes.put(changes, sought.deadline).then(() => this.#look(sought));
    return (await this.#or(holding, sought)).versions;
  }

  outdate(versions: readonly Version[]): Promise<void> {
    return this.#put(versions.map((version) => this.#versionChange(version, true)));
  }

  async forget(tags: readonly string[]): Promise<readonly boolean[]> {
    const { versions } = await this.#remove(this.#seek([], tags));
    return versions.map((version) => version !== undefined);
  }

  empty(): void {
    this.#writes.dropEntries();
  }

  async idle(): Promise<void> {
    await this.#reads.idle();
    await this.#writes.idle();
  }

  async close(): Promise<void> {
    await within(this.idle(), this.#remote.deadline()).catch(() => undefined);
    await this.#remote.close();
  }

  /** In strict mode failures are thrown; else they have been reported, and nothing is known. */
  async #or(reading: Promise<Reading>, { keys, tags }: Sought): Promise<Reading> {
    try {
      return await reading;
    } catch (error) {
      if (this.#strict) throw error;
      return { entries: keys.map(nothing), versions: tags.map(nothing), failed: true };
    }
  }

  async #put(changes: readonly (readonly [address: string, Change])[]): Promise<void> {
    try {
      await this.#writes.put(new Map(changes), this.#remote.deadline());
    } catch (error) {
      if (this.#strict) throw error;
    }
  }

  #seek(keys: readonly string[], tags: readonly string[]): Sought {
    return {
      keys,
      entries: keys.map((key) => this.#addresses.entry(key)),
      tags,
      versions: tags.map((tag) => this.#addresses.version(tag)),
      deadline: this.#remote.deadline(),
    };
  }

  async #look({ keys, entries, tags, versions, deadline }: Sought): Promise<Reading> {
    const changes = entries.map((address) => this.#writes.peek(address));
    const unseen = entries.filter((_, index) => changes[index] === undefined);
    const asked = [...unseen, ...versions];
    const found = asked.length === 0 ? NOTHING : await this.#reads.ask(asked, deadline);
    return {
      entries: keys.map((key, index) => {
        const change = changes[index];
        return live(change ? change.entry : readEntry(found.get(entries[index]!), key));
      }),
      versions: tags.map((tag, index) => readVersion(found.get(versions[index]!), tag)),
      failed: false,
    };
  }

  async #add(entry: Entry, sought: Sought): Promise<boolean> {
    const { deadline } = sought;
    const [address, change] = this.#change(entry);
    const writing = (): Entry | undefined => live(this.#writes.peek(address)?.entry);
    if (writing() !== undefined) return false;
    await this.#writes.settled([address]);
    const text = { address, text: writeEntry(entry), until: change.until };
    if ((await this.#remote.add(text, deadline)) === true) return true;
    const { entries } = await this.#look(sought);
    // What keeps the store from adding although it holds no entry is unreadable: it is replaced.
    const absent = entries[0] === undefined && writing() === undefined;
    if (absent) await this.#writes.put(new Map([[address, change]]), deadline);
    return absent;
  }

  /** Removes records after they were looked at; gives what was there. */
  async #remove(sought: Sought): Promise<Reading> {
    const { entries, versions, deadline } = sought;
    const looking = this.#look(sought);
    const removals = new Map([...entries, ...versions].map((address) => [address, REMOVAL]));
    const removing = this.#writes.put(removals, deadline, looking);
    const [, removed] = await Promise.allSettled([looking, removing]);
    if (removed.status === "rejected" && this.#strict) throw removed.reason;
    return this.#or(looking, sought);
  }

  #change(entry: Entry): readonly [address: string, Change] {
    const until = lastUse(entry);
    const change =
      Date.now() < until ? { text: () => writeEntry(entry), until, entry, binding: true } : REMOVAL;
    return [this.#addresses.entry(entry.key), change];
  }

  #versionChange(version: Version, binding: boolean): readonly [address: string, Change] {
    const text = (): string => writeVersion(version);
    return [this.#addresses.version(version.tag), { text, until: version.until, binding }];
  }
}

const REMOVAL: Change = { until: 0, binding: true };

function live(entry: Entry | undefined): Entry | undefined {
  return entry !== undefined && Date.now() < lastUse(entry) ? entry : undefined;
}

function nothing(): undefined {
  return undefined;
}
