// Something shaped like a Keyv whose operations take effect and end when a scheduler says so.
import type { Scheduler } from "./scheduler.js";

/** A Keyv over texts that several processes share. */
export class ScheduledKeyv {
  readonly #texts: Map<string, string>;
  readonly #scheduler: Scheduler;

  constructor(texts: Map<string, string>, scheduler: Scheduler) {
    this.#texts = texts;
    this.#scheduler = scheduler;
  }

  /** A Keyv of version 6 is known by this method. */
  onHook(): void {
    // There are no hooks.
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.getMany([key]))[0];
  }

  getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    return this.#operate(() => keys.map((key) => this.#texts.get(key)));
  }

  async set(key: string, value: string): Promise<boolean> {
    await this.setMany([{ key, value }]);
    return true;
  }

  setMany(entries: readonly { readonly key: string; readonly value: string }[]): Promise<void> {
    return this.#operate(() => {
      for (const { key, value } of entries) this.#texts.set(key, value);
    });
  }

  async delete(key: string): Promise<boolean> {
    return (await this.deleteMany([key]))[0]!;
  }

  deleteMany(keys: readonly string[]): Promise<boolean[]> {
    return this.#operate(() => keys.map((key) => this.#texts.delete(key)));
  }

  async #operate<T>(effect: () => T): Promise<T> {
    await this.#scheduler.pause();
    const result = effect();
    await this.#scheduler.pause();
    return result;
  }
}
