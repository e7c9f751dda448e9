// Where back-ends come from: given by the application, or opened for a URL.
import { Keyv } from "keyv";
import { Backend, type KeyValue, type Traits } from "./backend.js";
import { load } from "./packages.js";
import type { Source } from "./remote.js";
import type { Client, Server } from "./servers.js";

/** A Keyv or a `Map` of the application's own; it is never closed. */
export function givenSource(given: KeyValue): Source {
  const traits = traitsOf(given);
  let backend: Backend | undefined;
  return {
    tier: traits.tier,
    foldsCase: traits.foldsCase,
    connect: (onError) => (backend ??= new Backend(given, traits, onError)),
    close: () => {
      backend?.leave();
      return Promise.resolve();
    },
  };
}

/** A storage adapter of the application's own, used as a Keyv uses it, for which it was made. */
export function adapterSource(adapter: KeyValue & { namespace?: string }): Source {
  // A Keyv writes its namespace onto the adapter, so it is given the one that is there.
  const options = { namespace: adapter.namespace, useKeyPrefix: false, throwOnErrors: true };
  return givenSource(new Keyv(adapter as never, options as never));
}

/** A server named by a URL; its adapter is loaded, and connected, when it is first asked. */
export function serverSource(
  server: Server,
  { location, url, timeout }: { location: string; url: string; timeout: number },
): Source {
  let client: Client | undefined;
  let backend: Backend | undefined;
  let closed = false;
  return {
    tier: server.tier,
    foldsCase: server.foldsCase,
    connect: async (onError) => {
      const module: unknown = await load(location);
      if (closed) throw new Error("it is closed");
      if (client === undefined || backend === undefined || server.brittle) {
        backend?.leave();
        client = server.open(module, url, timeout);
        backend = new Backend(client.adapter, server, onError);
      }
      await client.ready();
      return backend;
    },
    close: async () => {
      closed = true;
      await client?.close();
    },
  };
}

/** What is known of a Keyv by the adapter inside it. */
function traitsOf(given: KeyValue): Traits {
  const dialect = given instanceof Map ? "map" : dialectOf(given);
  return {
    tier: dialect ?? "keyv",
    foldsCase: dialect === "mysql",
    wholeSeconds: dialect === "memcache",
  };
}

/** Keyv 6 puts a bridge between itself and an adapter made for Keyv 5. */
function dialectOf(given: unknown, depth = 0): string | undefined {
  if (typeof given !== "object" || given === null || depth > 2) return undefined;
  const { opts, client, store } = given as {
    opts?: { dialect?: unknown };
    client?: { incrSeq?: unknown };
    store?: unknown;
  };
  if (typeof client?.incrSeq === "function") return "memcache";
  if (typeof opts?.dialect === "string") return opts.dialect;
  return dialectOf(store, depth + 1);
}
