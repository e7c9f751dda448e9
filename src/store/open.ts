// From what a cache's `store` option says to a store.
import type { Entry } from "../entry.js";
import { OptionError, show } from "../errors.js";
import { nearest } from "../options.js";
import type { KeyValue } from "./backend.js";
import type { BreakerLimits } from "./breaker.js";
import { KeyvStore } from "./keyv.js";
import { MemoryStore } from "./memory.js";
import { NullStore } from "./null.js";
import { locate } from "./packages.js";
import type { Source } from "./remote.js";
import { SERVERS } from "./servers.js";
import { adapterSource, givenSource, serverSource } from "./source.js";
import type { Report, Store } from "./store.js";

/** What `openStore()` needs; durations in milliseconds. */
export interface OpenOptions {
  /** A URL, a Keyv, a Keyv storage adapter or a `Map`. */
  readonly store: unknown;
  readonly namespace: string;
  /** The bounds of the memory store. */
  readonly memory: { readonly entries: number; readonly bytes: number };
  readonly storeTimeout: number;
  readonly breaker: BreakerLimits;
  readonly strict: boolean;
  readonly onNullStore: "warn" | "silent";
  readonly report: Report;
  readonly onEvict?: ((entry: Entry) => void) | undefined;
}

const SCHEMES = ["memory", "null", ...SERVERS.flatMap(({ schemes }) => schemes)];

/**
 * Opens the store that an option names. A server is connected to in the background.
 *
 * @throws {OptionError} for what is no store, an unknown scheme, a package that is not installed.
 */
export function openStore(options: OpenOptions): Store {
  const { store, memory, onEvict, onNullStore } = options;
  const scheme = typeof store === "string" ? schemeOf(store) : undefined;
  if (scheme === "memory") return new MemoryStore({ ...memory, onEvict });
  if (scheme === "null") return new NullStore(onNullStore);
  return new KeyvStore({ ...options, source: sourceOf(store, options.storeTimeout) });
}

/**
 * Checks a `store` option without opening anything.
 *
 * @throws {OptionError} as `openStore()` does.
 */
export function checkStore(store: unknown): void {
  if (typeof store === "string" && ["memory", "null"].includes(schemeOf(store))) return;
  sourceOf(store, 0);
}

function sourceOf(store: unknown, timeout: number): Source {
  if (typeof store === "string") return sourceOfUrl(store, timeout);
  if (store instanceof Map || isKeyv(store)) return givenSource(store as KeyValue);
  if (isAdapter(store)) return adapterSource(store);
  throw new OptionError(
    `store must be a URL (${SCHEMES.map((scheme) => `${scheme}:`).join(" ")}), a Keyv, ` +
      `a Keyv storage adapter or a Map; got ${show(store)}.`,
  );
}

function sourceOfUrl(url: string, timeout: number): Source {
  const scheme = schemeOf(url);
  const server = SERVERS.find(({ schemes }) => schemes.includes(scheme))!;
  if (server.tier === "redis" && !URL.canParse(url)) {
    throw new OptionError(`store is not a URL that can be read; write ${scheme}://host:port.`);
  }
  const location = locate(server.package);
  if (location === undefined) {
    throw new OptionError(
      `The store "${scheme}:" needs the package ${server.package}, which is not installed. ` +
        `Install it: npm install ${server.package}`,
    );
  }
  return serverSource(server, { location, url, timeout });
}

/** The scheme of a URL; never shows more of it, because it may hold a password. */
function schemeOf(url: string): string {
  const scheme = /^([a-z][a-z\d+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme !== undefined && SCHEMES.includes(scheme)) return scheme;
  const known = SCHEMES.map((name) => `${name}:`).join(" ");
  if (scheme === undefined) {
    throw new OptionError(
      `store must be a URL that begins with one of ${known}; got a text without a scheme.`,
    );
  }
  const near = nearest(scheme, SCHEMES);
  const hint = near === undefined ? "" : ` Did you mean "${near}:"?`;
  throw new OptionError(`store has the unknown scheme "${scheme}:".${hint} Known are ${known}.`);
}

/** Keyv 5 has `useKeyPrefix`, Keyv 6 `onHook()`. */
function isKeyv(store: unknown): boolean {
  if (!has(store, ["get", "set", "delete"])) return false;
  return "useKeyPrefix" in store || has(store, ["onHook"]);
}

function isAdapter(store: unknown): store is KeyValue {
  return has(store, ["get", "set", "delete", "clear"]);
}

function has(store: unknown, methods: readonly string[]): store is Record<string, unknown> {
  if (typeof store !== "object" || store === null) return false;
  return methods.every((name) => typeof (store as Record<string, unknown>)[name] === "function");
}
