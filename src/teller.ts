// Tells listeners and counters what the engine did with a question.
import type { Entry } from "./entry.js";
import { show } from "./errors.js";
import type { CacheEvent, Events } from "./events.js";
import type { Question } from "./record.js";

/** The events and counts of one store. */
export class Teller {
  readonly #events: Events;
  readonly #tier: string;

  constructor(events: Events, tier: string) {
    this.#events = events;
    this.#tier = tier;
  }

  /** A hit; counted by whoever serves it. */
  hit(name: string | undefined, entry: Entry): void {
    if (this.#events.heard("hit")) this.#events.emit("hit", this.#about(name, entry));
  }

  stale({ name, counts }: Question, entry: Entry, error: unknown): void {
    counts.stale += 1;
    if (!this.#events.heard("stale")) return;
    const facts = this.#about(name, entry);
    this.#events.emit("stale", error === undefined ? facts : { ...facts, error: asError(error) });
  }

  miss({ key, name, counts }: Question, facts: CacheEvent): void {
    counts.misses += 1;
    if (!this.#events.heard("miss")) return;
    this.#events.emit("miss", { key, name, tier: this.#tier, ...facts });
  }

  /** A failure that the caller is spared. */
  error({ key, name, counts }: Question, error: unknown): void {
    counts.errors += 1;
    this.#events.emit("error", { key, name, tier: this.#tier, error: asError(error) });
  }

  deleted(keys: readonly string[]): void {
    if (!this.#events.heard("delete")) return;
    for (const key of keys) this.#events.emit("delete", { key, tier: this.#tier });
  }

  #about(name: string | undefined, entry: Entry): CacheEvent {
    const age = (Date.now() - entry.storedAt) / 1000;
    return { key: entry.key, name, tier: this.#tier, age };
  }
}

function asError(error: unknown): Error {
  if (error instanceof Error) return error;
  return new Error(typeof error === "string" ? error : show(error), { cause: error });
}
