// A Keyv storage adapter of the smallest kind, as somebody may have written it.

/** Has the four methods that Keyv asks for, and no others. */
export class PlainAdapter {
  readonly #values = new Map<string, unknown>();

  get(key: string): Promise<unknown> {
    return Promise.resolve(this.#values.get(key));
  }

  set(key: string, value: unknown): Promise<void> {
    this.#values.set(key, value);
    return Promise.resolve();
  }

  delete(key: string): Promise<boolean> {
    return Promise.resolve(this.#values.delete(key));
  }

  clear(): Promise<void> {
    this.#values.clear();
    return Promise.resolve();
  }
}
