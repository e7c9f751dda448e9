// Puts requests through an application over real connections that are kept.
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type Koa from "koa";
import { HttpClient } from "./http-client.js";
import type { Connection } from "./memory-connection.js";

/** Servers for applications, closed together. */
export class SocketConnections {
  readonly #open: { readonly server: Server; readonly client: HttpClient }[] = [];

  /** Serves an application and connects to it. */
  async connect(app: Koa): Promise<Connection> {
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = new HttpClient((server.address() as AddressInfo).port);
    this.#open.push({ server, client });
    return async ({ method, target, fields }) => {
      const pairs = fields.flatMap((name, index) =>
        index % 2 === 0 ? [[name, fields[index + 1]!] as const] : [],
      );
      const reply = await client.ask({ method, path: target, headers: Object.fromEntries(pairs) });
      return {
        status: reply.status,
        message: reply.message,
        fields: Object.fromEntries(
          Object.entries(reply.headers).map(([name, value]) => [name, [value].flat().join("\n")]),
        ),
        body: reply.bytes.toString("latin1"),
        complete: reply.complete,
      };
    };
  }

  close(): void {
    for (const { server, client } of this.#open.splice(0)) {
      client.close();
      server.closeAllConnections();
      server.close();
    }
  }
}
