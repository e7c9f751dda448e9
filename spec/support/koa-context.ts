// A Koa context without a server, for specs of what reads and changes one.
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import Koa, { type Context } from "koa";

/** What a request may be made of. */
export interface RequestParts {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly app?: Koa;
}

/** A context for a request that nobody has answered yet. */
export function koaContext({
  method = "GET",
  url = "/",
  headers = {},
  app,
}: RequestParts = {}): Context {
  const request = new IncomingMessage(new Socket());
  Object.assign(request, { method, url });
  for (const [name, value] of Object.entries(headers)) {
    request.headers[name] = value;
    request.rawHeaders.push(name, value);
  }
  const response = new ServerResponse(request);
  response.statusCode = 404;
  return (app ?? new Koa()).createContext(request, response);
}
