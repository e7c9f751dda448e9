// What a Keyv and a Keyv storage adapter have in common, and the one way they are talked to.
import { atomicAdd } from "./native.js";

/** The methods used of a Keyv, a storage adapter or a `Map`; what they return is not trusted. */
export interface KeyValue {
  get(key: string): unknown;
  set(key: string, value: string, ttl?: number): unknown;
  delete(key: string): unknown;
  getMany?(keys: string[]): unknown;
  setMany?(entries: { key: string; value: string; ttl?: number | undefined }[]): unknown;
  deleteMany?(keys: string[]): unknown;
  on?(event: "error", listener: (error: unknown) => void): unknown;
  off?(event: "error", listener: (error: unknown) => void): unknown;
}

/** A text to store under an address, until a moment in milliseconds since 1970. */
export interface StoredText {
  readonly address: string;
  readonly text: string;
  readonly until: number;
}

/** A text that was not stored, although the store took others. */
export interface Refusal {
  readonly address: string;
  readonly reason: unknown;
}

/** How a back-end differs from others. */
export interface Traits {
  /** Its name in events. */
  readonly tier: string;
  /** It takes `A` and `a` for the same key. */
  readonly foldsCase: boolean;
  /** It counts lifetimes in whole seconds, and takes more than 30 days for a date. */
  readonly wholeSeconds: boolean;
}

const CHUNK = 256;
const LONGEST_SECONDS = 30 * 86_400 - 1;

/** One back-end. Rejects when an operation failed, or when it may have: Keyv swallows errors. */
export class Backend {
  readonly #source: KeyValue;
  readonly #traits: Traits;
  readonly #onError: (error: unknown) => void;
  /** How many errors the back-end told of by events, and the last of them. */
  #troubles = 0;
  #trouble: unknown;

  constructor(source: KeyValue, traits: Traits, onError: (error: Error) => void) {
    this.#source = source;
    this.#traits = traits;
    this.#onError = (error) => {
      this.#troubles += 1;
      this.#trouble = error;
      onError(error instanceof Error ? error : new Error(String(error)));
    };
    guard(source);
    source.on?.("error", this.#onError);
  }

  /** The texts at these addresses, whatever is there. */
  read(addresses: readonly string[]): Promise<unknown[]> {
    return this.#watch(() => inChunks(addresses, (chunk) => this.#readChunk(chunk)));
  }

  /** Stores texts, one an address; gives those it refused while it took others. */
  write(texts: readonly StoredText[]): Promise<Refusal[]> {
    return this.#watch(() =>
      this.#source.setMany === undefined
        ? this.#writeSingly(texts)
        : inChunks(texts, (chunk) => this.#writeChunk(chunk)),
    );
  }

  async remove(addresses: readonly string[]): Promise<void> {
    await this.#watch(() => inChunks(addresses, (chunk) => this.#removeChunk(chunk)));
  }

  /** Stores a text if nothing is at its address; `undefined` where that cannot be done in one step. */
  add({ address, text, until }: StoredText): Promise<boolean> | undefined {
    const add = atomicAdd(this.#source);
    return add && this.#watch(() => add(address, { text, ttl: this.#lifetime(until) }));
  }

  /** Listens no longer. */
  leave(): void {
    this.#source.off?.("error", this.#onError);
  }

  /** Rejects if the back-end complained while the work was done. */
  async #watch<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#troubles;
    const result = await work();
    if (this.#troubles !== before) throw this.#trouble;
    return result;
  }

  async #readChunk(addresses: string[]): Promise<unknown[]> {
    if (!readsMany(this.#source)) return this.#readSingly(addresses);
    try {
      const found = await this.#source.getMany(addresses);
      if (Array.isArray(found) && found.length === addresses.length) return found;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
    // One foreign value keeps Keyv from reading any other with it.
    return this.#readSingly(addresses);
  }

  #readSingly(addresses: readonly string[]): Promise<unknown[]> {
    return Promise.all(addresses.map((address) => this.#readOne(address)));
  }

  async #readOne(address: string): Promise<unknown> {
    try {
      return await this.#source.get(address);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return undefined;
    }
  }

  async #writeChunk(texts: readonly StoredText[]): Promise<Refusal[]> {
    const entries = texts.map(({ address, text, until }) => ({
      key: address,
      value: text,
      ttl: this.#lifetime(until),
    }));
    await this.#source.setMany!(entries);
    return [];
  }

  async #writeSingly(texts: readonly StoredText[]): Promise<Refusal[]> {
    const refusals: Refusal[] = [];
    await Promise.all(
      texts.map(async ({ address, text, until }) => {
        try {
          await this.#source.set(address, text, this.#lifetime(until));
        } catch (reason) {
          refusals.push({ address, reason });
        }
      }),
    );
    if (refusals.length > 0 && refusals.length === texts.length) throw refusals[0]!.reason;
    return refusals;
  }

  async #removeChunk(addresses: string[]): Promise<[]> {
    if (this.#source.deleteMany === undefined) {
      await Promise.all(addresses.map((address) => this.#source.delete(address)));
    } else {
      await this.#source.deleteMany(addresses);
    }
    return [];
  }

  /** Whole milliseconds from now; `undefined` for ever. */
  #lifetime(until: number): number | undefined {
    if (until === Infinity) return undefined;
    const left = Math.max(1, Math.ceil(until - Date.now()));
    if (!this.#traits.wholeSeconds) return left;
    return 1000 * Math.min(Math.ceil(left / 1000), LONGEST_SECONDS);
  }
}

const guarded = new WeakSet<KeyValue>();

/** An emitter that nobody listens to throws its errors, which ends the process: somebody always does. */
function guard(source: KeyValue): void {
  if (guarded.has(source)) return;
  guarded.add(source);
  source.on?.("error", () => undefined);
}

/** Whether `getMany()` tells of failures: a Keyv over a store that has none swallows them. */
function readsMany(source: KeyValue): source is KeyValue & Required<Pick<KeyValue, "getMany">> {
  if (typeof source.getMany !== "function") return false;
  const { store, useKeyPrefix } = source as { store?: Partial<KeyValue>; useKeyPrefix?: boolean };
  return useKeyPrefix === undefined || store instanceof Map || store?.getMany !== undefined;
}

function isUnreadable(error: unknown): boolean {
  return error instanceof SyntaxError;
}

async function inChunks<T, R>(
  items: readonly T[],
  work: (chunk: T[]) => Promise<R[]>,
): Promise<R[]> {
  if (items.length <= CHUNK) return work([...items]);
  const chunks: Promise<R[]>[] = [];
  for (let i = 0; i < items.length; i += CHUNK) chunks.push(work(items.slice(i, i + CHUNK)));
  return (await Promise.all(chunks)).flat();
}
