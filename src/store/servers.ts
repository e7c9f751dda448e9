// The servers that a URL can name, and how their clients are set up: to fail fast, and to come back.
import { once, type EventEmitter } from "node:events";
import type { KeyValue, Traits } from "./backend.js";

/** A client, set up and perhaps still connecting. */
export interface Client {
  readonly adapter: KeyValue;
  /** Resolves when it is connected; rejects when it could not be. */
  readonly ready: () => Promise<unknown> | undefined;
  readonly close: () => Promise<unknown> | undefined;
}

/** A kind of server. */
export interface Server extends Traits {
  /** The schemes of its URLs, without the colon. */
  readonly schemes: readonly string[];
  /** The package with its adapter. */
  readonly package: string;
  /** Whether a client that has failed is to be replaced, because it never recovers. */
  readonly brittle: boolean;
  /** Sets up a client whose operations may take `timeout` milliseconds. */
  readonly open: (module: any, url: string, timeout: number) => Client;
}

const LONGEST_PAUSE = 1000;

/** All kinds of servers. */
export const SERVERS: readonly Server[] = [
  {
    tier: "redis",
    schemes: ["redis", "rediss", "valkey", "valkeys"],
    package: "@keyv/redis",
    foldsCase: false,
    wholeSeconds: false,
    brittle: false,
    open: openRedis,
  },
  {
    tier: "memcache",
    schemes: ["memcache", "memcached"],
    package: "@keyv/memcache",
    foldsCase: false,
    wholeSeconds: true,
    brittle: false,
    open: openMemcache,
  },
  {
    tier: "sqlite",
    schemes: ["sqlite"],
    package: "@keyv/sqlite",
    foldsCase: false,
    wholeSeconds: false,
    brittle: true,
    open: (module: Adapters<string>, url) => plain(new module.default(url)),
  },
  {
    tier: "postgres",
    schemes: ["postgresql", "postgres"],
    package: "@keyv/postgres",
    foldsCase: false,
    wholeSeconds: false,
    brittle: true,
    open: openPostgres,
  },
  {
    tier: "mysql",
    schemes: ["mysql", "mariadb"],
    package: "@keyv/mysql",
    foldsCase: true,
    wholeSeconds: false,
    brittle: true,
    open: (module: Adapters<object>, url, timeout) =>
      plain(
        new module.default({ uri: url.replace(/^mariadb:/, "mysql:"), connectTimeout: timeout }),
      ),
  },
];

/** A module whose default export is an adapter. */
interface Adapters<Options, Adapter = KeyValue & { disconnect(): Promise<unknown> }> {
  readonly default: new (...options: Options[]) => Adapter;
}

interface RedisModule {
  createClient(options: object): RedisClient;
  readonly default: new (client: RedisClient, options: object) => KeyValue;
}
interface RedisClient extends EventEmitter {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  connect(): Promise<unknown>;
  destroy(): void;
}

function openRedis(module: RedisModule, url: string, timeout: number): Client {
  const client = module.createClient({
    url: url.replace(/^valkey/, "redis"),
    // What is queued while the server is away would be replayed when it is back, however old.
    disableOfflineQueue: true,
    // A connection that says nothing, not even to a ping, is dead and made anew.
    pingInterval: Math.max(2000, 2 * timeout),
    socket: {
      connectTimeout: timeout,
      socketTimeout: Math.max(5000, 5 * timeout),
      reconnectStrategy: (tries: number) => Math.min(50 * 2 ** tries, LONGEST_PAUSE),
    },
  });
  // A socket that is being dialled cannot be destroyed, and would be left over.
  let dialling = false;
  const dials = (): void => void (dialling = true);
  const dialled = (): void => void (dialling = false);
  client.on("reconnecting", dials).on("connect", dialled).on("error", dialled);
  return {
    adapter: new module.default(client, { throwOnErrors: true }),
    ready: () => {
      if (client.isReady) return undefined;
      if (!client.isOpen) {
        dials();
        // It goes on trying by itself; each attempt that fails is an event.
        client.connect().catch(() => undefined);
      }
      return once(client, "ready");
    },
    close: async () => {
      if (dialling) await once(client, "connect").catch(() => undefined);
      if (client.isOpen) client.destroy();
    },
  };
}

interface MemcacheAdapter extends KeyValue {
  readonly client: { close(): void };
}

function openMemcache(
  module: { readonly default: new (servers: string, options: object) => MemcacheAdapter },
  url: string,
  timeout: number,
): Client {
  const adapter = new module.default(url.replace(/^memcached?:\/*/, "").replace(/\/$/, ""), {
    timeout: timeout / 1000,
    conntimeout: timeout / 1000,
    retries: 1,
    logger: { log: () => undefined },
    deserialize: String,
  });
  return {
    adapter,
    ready: () => undefined,
    close: () => {
      adapter.client.close();
      return undefined;
    },
  };
}

function openPostgres(module: Adapters<object>, url: string, timeout: number): Client {
  const adapter = new module.default({
    uri: url,
    connectionTimeoutMillis: timeout,
    // A connection that never answers is given up.
    query_timeout: 5 * timeout,
    allowExitOnIdle: true,
    // The pool is not to be had otherwise, and a connection that breaks while it is idle would end
    // the process for want of a listener.
    log(this: EventEmitter) {
      if (this.listenerCount("error") === 0) this.on("error", () => undefined);
    },
  });
  return plain(adapter);
}

function plain(adapter: KeyValue & { disconnect(): Promise<unknown> }): Client {
  return { adapter, ready: () => undefined, close: () => adapter.disconnect() };
}
