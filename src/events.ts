// What a cache tells about itself: typed events, and the same on diagnostics channels.
import { channel, type Channel } from "node:diagnostics_channel";
import { OptionError, show } from "./errors.js";

/** The names of all events. */
export const EVENT_NAMES = [
  "hit",
  "miss",
  "stale",
  "bypass",
  "write",
  "delete",
  "error",
  "evict",
  "unkeyed",
] as const;

/**
 * The events of a cache: `hit`, `miss` (computed, or awaited: `collapsed`), `stale` (served past
 * its time), `bypass` (not asked), `write`, `delete`, `error` (a failure the caller was spared),
 * `evict` (pushed out of memory), `unkeyed` (a page read an input its key does not cover).
 */
export type CacheEventName = (typeof EVENT_NAMES)[number];

/** What an event carries, as far as it applies. */
export interface CacheEvent {
  readonly key?: string | undefined;
  /** The wrapped function. */
  readonly name?: string | undefined;
  /** The store: `memory`, `redis` … */
  readonly tier?: string | undefined;
  /** Seconds since the value was stored. */
  readonly age?: number | undefined;
  /** Seconds that computing the value took. */
  readonly duration?: number | undefined;
  readonly error?: Error | undefined;
  /** A miss that waited for a computation under way instead of starting one. */
  readonly collapsed?: boolean | undefined;
  /** What was read, for `unkeyed`. */
  readonly detail?: string | undefined;
}

/** A listener; what it throws or rejects with harms nobody. */
export type CacheListener = (event: CacheEvent) => unknown;

/** The listeners of one cache. */
export class Events {
  // Replaced at each change, so that an event under way reaches those who listened before it.
  readonly #listeners = new Map<CacheEventName, ReadonlySet<CacheListener>>();
  readonly #warned = new Set<string>();

  /** Adds a listener; gives the function that takes it away. */
  on(name: CacheEventName, listener: CacheListener): () => void {
    checkListener(name, listener);
    this.#listeners.set(name, new Set(this.#listeners.get(name)).add(listener));
    return () => this.off(name, listener);
  }

  /** Takes a listener away. */
  off(name: CacheEventName, listener: CacheListener): void {
    const listeners = new Set(this.#listeners.get(name));
    listeners.delete(listener);
    if (listeners.size === 0) this.#listeners.delete(name);
    else this.#listeners.set(name, listeners);
  }

  /** Whether anybody listens: without a listener no event is built on a hit. */
  heard(name: CacheEventName): boolean {
    return (this.#listeners.size > 0 && this.#listeners.has(name)) || CHANNELS[name].hasSubscribers;
  }

  emit(name: CacheEventName, event: CacheEvent): void {
    if (CHANNELS[name].hasSubscribers) CHANNELS[name].publish(event);
    const listeners = this.#listeners.get(name);
    if (listeners !== undefined) for (const listener of listeners) deliver(listener, event);
    else if (name === "error" && !CHANNELS.error.hasSubscribers) this.#warn(event.error);
  }

  #warn(error: Error | undefined): void {
    const kind = error === undefined ? "" : kindOf(error);
    if (error === undefined || this.#warned.has(kind)) return;
    this.#warned.add(kind);
    warn(
      `${error.message} (Listen with cache.on("error", …); this kind is not shown again.)`,
      kind,
    );
  }
}

const CHANNELS = Object.fromEntries(
  EVENT_NAMES.map((name) => [name, channel(`koa-caching:${name}`)]),
) as unknown as Readonly<Record<CacheEventName, Channel>>;

/** A process warning of this library. */
export function warn(message: string, code: string): void {
  process.emitWarning(message, { type: "KoaCachingWarning", code });
}

/** What a listener of errors would tell them apart by. */
function kindOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : error.name;
}

function checkListener(name: unknown, listener: unknown): void {
  if (!EVENT_NAMES.includes(name as CacheEventName)) {
    throw new OptionError(`Events are ${EVENT_NAMES.join(", ")}; got ${show(name)}.`);
  }
  if (typeof listener !== "function") {
    throw new OptionError(`A listener must be a function; got ${show(listener)}.`);
  }
}

function deliver(listener: CacheListener, event: CacheEvent): void {
  try {
    const result = listener(event);
    if (result instanceof Promise) result.catch(reportListener);
  } catch (error) {
    reportListener(error);
  }
}

function reportListener(error: unknown): void {
  const reason = error instanceof Error ? error.message : show(error);
  warn(`A listener of a cache event failed: ${reason}`, "ERR_LISTENER");
}
