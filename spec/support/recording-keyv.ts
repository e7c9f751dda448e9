// Something shaped like a Keyv that counts what it is asked.

interface Written {
  readonly key: string;
  readonly value: string;
  readonly ttl?: number | undefined;
}

/** One call of a method, with the number of keys that it was about. */
export type Asked = readonly [method: string, keys: number];

/** A Keyv over a `Map`; the namespace and time to live are no concern of it. */
export class RecordingKeyv {
  readonly values: Map<string, string> = new Map();
  readonly asked: Asked[] = [];

  /** What was asked since the last time. */
  take(): readonly Asked[] {
    return this.asked.splice(0);
  }

  /** A Keyv of version 6 is known by this method. */
  onHook(): void {
    // There are no hooks.
  }

  get(key: string): Promise<string | undefined> {
    this.asked.push(["get", 1]);
    return Promise.resolve(this.values.get(key));
  }

  getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    this.asked.push(["getMany", keys.length]);
    return Promise.resolve(keys.map((key) => this.values.get(key)));
  }

  set(key: string, value: string): Promise<boolean> {
    this.asked.push(["set", 1]);
    this.values.set(key, value);
    return Promise.resolve(true);
  }

  setMany(entries: readonly Written[]): Promise<boolean[]> {
    this.asked.push(["setMany", entries.length]);
    for (const { key, value } of entries) this.values.set(key, value);
    return Promise.resolve(entries.map(() => true));
  }

  delete(key: string): Promise<boolean> {
    this.asked.push(["delete", 1]);
    return Promise.resolve(this.values.delete(key));
  }

  deleteMany(keys: readonly string[]): Promise<boolean[]> {
    this.asked.push(["deleteMany", keys.length]);
    return Promise.resolve(keys.map((key) => this.values.delete(key)));
  }
}
