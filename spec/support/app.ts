// A Koa application on a port of its own, for specs that speak HTTP to it.
import type { AddressInfo } from "node:net";
import type { Server } from "node:http";
import type Koa from "koa";

/** A running application. */
export interface RunningApp {
  /** The text that a path answers with. */
  get(path: string): Promise<string>;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

/** Starts an application. */
export async function serve(app: Koa): Promise<RunningApp> {
  const server = await new Promise<Server>((started) => {
    const listening: Server = app.listen(0, "127.0.0.1", () => started(listening));
  });
  const { port } = server.address() as AddressInfo;
  const ask = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, init);
  return {
    get: async (path) => (await ask(path)).text(),
    fetch: ask,
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => void server.close(closed));
    },
  };
}
