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

/** What is looked for, and until when. */
interface Sought {
  readonly keys: readonly string[];
  readonly tags: readonly string[];
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
    const deadline = this.#remote.deadline();
    const pending = this.#writes.settled(tags.map((tag) => this.#addresses.version(tag)));
    const sought = { keys, tags, deadline };
    const reading =
      pending === undefined ? this.#look(sought) : pending.then(() => this.#look(sought));
    return this.#or(reading, unknown(keys, tags));
  }

  write(entries: readonly Entry[]): Promise<void> {
    const changes = entries.map((entry) => this.#change(entry));
    return this.#or(this.#writes.put(new Map(changes), this.#remote.deadline()), undefined);
  }

  /**
   * In one step over `@keyv/redis`. Over anything else another process may come between the look
   * and the write; within this process only one of several callers stores.
   */
  add(entry: Entry): Promise<boolean> {
    return this.#or(this.#add(entry, this.#remote.deadline()), false);
  }

  async remove(keys: readonly string[]): Promise<readonly boolean[]> {
    const deadline = this.#remote.deadline();
    const looking = this.#look({ keys, tags: [], deadline });
    const removed = keys.map((key) => this.#addresses.entry(key));
    const { entries } = await this.#removing(removed, looking, unknown(keys, []));
    return entries.map((entry) => entry !== undefined);
  }

  async establish(versions: readonly Version[]): Promise<readonly (Version | undefined)[]> {
    const deadline = this.#remote.deadline();
    const tags = versions.map(({ tag }) => tag);
    const changes = new Map(versions.map((version) => this.#versionChange(version, false)));
    const holding = this.#writes
      .put(changes, deadline)
      .then(() => this.#look({ keys: [], tags, deadline }));
    return (await this.#or(holding, unknown([], tags))).versions;
  }

  outdate(versions: readonly Version[]): Promise<void> {
    const changes = new Map(versions.map((version) => this.#versionChange(version, true)));
    return this.#or(this.#writes.put(changes, this.#remote.deadline()), undefined);
  }

  async forget(tags: readonly string[]): Promise<readonly boolean[]> {
    const deadline = this.#remote.deadline();
    const looking = this.#look({ keys: [], tags, deadline });
    const removed = tags.map((tag) => this.#addresses.version(tag));
    const { versions } = await this.#removing(removed, looking, unknown([], tags));
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

  /** In strict mode failures are thrown; else they have been reported, and this is what they give. */
  async #or<T>(work: Promise<T>, fallback: T): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (this.#strict) throw error;
      return fallback;
    }
  }

  async #look({ keys, tags, deadline }: Sought): Promise<Reading> {
    const sought = keys.map((key) => this.#addresses.entry(key));
    const changes = sought.map((address) => this.#writes.peek(address));
    const versions = tags.map((tag) => this.#addresses.version(tag));
    const asked = [...sought.filter((_, index) => changes[index] === undefined), ...versions];
    const found = asked.length === 0 ? NOTHING : await this.#reads.ask(asked, deadline);
    const entries = keys.map((key, index) => {
      const change = changes[index];
      return live(change === undefined ? readEntry(found.get(sought[index]!), key) : change.entry);
    });
    return {
      entries,
      versions: tags.map((tag, index) => readVersion(found.get(versions[index]!), tag)),
      failed: false,
    };
  }

  async #add(entry: Entry, deadline: number): Promise<boolean> {
    const [address, change] = this.#change(entry);
    if (live(this.#writes.peek(address)?.entry) !== undefined) return false;
    await this.#writes.settled([address]);
    const text = { address, text: writeEntry(entry), until: change.until };
    if ((await this.#remote.add(text, deadline)) === true) return true;
    const { entries } = await this.#look({ keys: [entry.key], tags: [], deadline });
    const present = entries[0] ?? live(this.#writes.peek(address)?.entry);
    // What keeps the store from adding although it holds no entry is unreadable: it is replaced.
    if (present === undefined) await this.#writes.put(new Map([[address, change]]), deadline);
    return present === undefined;
  }

  /** Removes records after they were looked at; gives what was there. */
  async #removing(
    addresses: readonly string[],
    looking: Promise<Reading>,
    fallback: Reading,
  ): Promise<Reading> {
    const removals = new Map(addresses.map((address) => [address, REMOVAL]));
    const removing = this.#writes.put(removals, this.#remote.deadline(), looking);
    const [looked, removed] = await Promise.allSettled([looking, removing]);
    if (removed.status === "rejected" && this.#strict) throw removed.reason;
    return looked.status === "fulfilled" ? looked.value : this.#or(looking, fallback);
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

function unknown(keys: readonly string[], tags: readonly string[]): Reading {
  return { entries: keys.map(nothing), versions: tags.map(nothing), failed: true };
}

function nothing(): undefined {
  return undefined;
}
