// Something shaped like a Keyv that records what it is asked, and fails in every way there is.

/**
 * `works`; `throws`; `swallows` errors as Keyv does, telling of them by an event; `hangs` until the
 * mode is changed, and does then, late and in order, what it was asked.
 */
export type Mode = "works" | "throws" | "swallows" | "hangs";

/** A call of a method. */
export interface RecordedCall {
  readonly method: string;
  readonly keys: readonly string[];
}

interface StoredValue {
  readonly key: string;
  readonly value: unknown;
  readonly ttl?: number | undefined;
}

/** A recording, failing Keyv over a `Map`. */
export class FailingKeyv {
  readonly useKeyPrefix: boolean = true;
  readonly values: Map<string, unknown> = new Map();
  readonly store: Map<string, unknown> = this.values;
  readonly calls: RecordedCall[] = [];
  /** The lifetimes given, by key. */
  readonly ttls: Map<string, number | undefined> = new Map();
  readonly #listeners = new Set<(error: unknown) => void>();
  readonly #queue: (() => void)[] = [];
  #mode: Mode = "works";

  set mode(mode: Mode) {
    this.#mode = mode;
    if (mode !== "hangs") for (const late of this.#queue.splice(0)) late();
  }

  /** The keys of each call of a method. */
  callsOf(method: string): readonly (readonly string[])[] {
    return this.calls.filter((call) => call.method === method).map(({ keys }) => keys);
  }

  /** Forgets what was recorded. */
  forget(): void {
    this.calls.length = 0;
  }

  get(key: string): Promise<unknown> {
    return this.#do({ method: "get", keys: [key] }, undefined, () => this.values.get(key));
  }

  getMany(keys: string[]): Promise<unknown> {
    return this.#do(
      { method: "getMany", keys },
      keys.map(() => undefined),
      () => keys.map((key) => this.values.get(key)),
    );
  }

  set(key: string, value: unknown, ttl?: number): Promise<unknown> {
    return this.#do({ method: "set", keys: [key] }, true, () => this.#put({ key, value, ttl }));
  }

  setMany(entries: StoredValue[]): Promise<unknown> {
    const keys = entries.map(({ key }) => key);
    return this.#do({ method: "setMany", keys }, undefined, () => {
      for (const entry of entries) this.#put(entry);
    });
  }

  delete(key: string): Promise<unknown> {
    return this.#do({ method: "delete", keys: [key] }, false, () => this.values.delete(key));
  }

  deleteMany(keys: string[]): Promise<unknown> {
    return this.#do({ method: "deleteMany", keys }, false, () => {
      for (const key of keys) this.values.delete(key);
    });
  }

  on(_event: "error", listener: (error: unknown) => void): this {
    this.#listeners.add(listener);
    return this;
  }

  off(_event: "error", listener: (error: unknown) => void): this {
    this.#listeners.delete(listener);
    return this;
  }

  /** Tells of an error by an event, as an emitter does: it throws if nobody listens. */
  complain(error: unknown): void {
    if (this.#listeners.size === 0) throw error;
    for (const listener of this.#listeners) listener(error);
  }

  #put({ key, value, ttl }: StoredValue): void {
    this.values.set(key, value);
    this.ttls.set(key, ttl);
  }

  async #do(call: RecordedCall, fallback: unknown, work: () => unknown): Promise<unknown> {
    this.calls.push(call);
    if (this.#mode === "works") return work();
    if (this.#mode === "hangs") {
      return new Promise((resolve) => {
        this.#queue.push(() => resolve(work()));
      });
    }
    const error = new Error("the back-end is down");
    if (this.#mode === "throws") throw error;
    this.complain(error);
    return fallback;
  }
}
