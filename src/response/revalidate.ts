// Runs an application's whole stack again, on a context of its own, to make a page anew.
import { once } from "node:events";
import { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Context } from "koa";
import { runInRequestContext } from "../request/context.js";
import { freeAfterPatience } from "./patience.js";
import type { PagePlan } from "./page-options.js";
import type { Leadership } from "./run.js";
import { requestFields } from "./request-headers.js";
import { CONDITIONAL_FIELDS } from "./validation.js";

/** What a run is for. */
export interface Task extends Omit<Leadership, "visit"> {
  readonly plan: PagePlan;
  /** The key of the page itself. */
  readonly key: string;
  /** Whether the run has come to its page. */
  isTaken: boolean;
}

const tasks = new WeakMap<object, Task>();

/** What the run of a context is for; `undefined` for the request of a client. */
export function taskOf(ctx: Context): Task | undefined {
  return tasks.get(ctx);
}

/** Runs the stack for a task. Nothing of it reaches the client of the original context. */
export async function rerun(original: Context, task: Task): Promise<void> {
  // A handler that hangs where no client of its own goes away would hold all the others.
  const endPatience = freeAfterPatience(task.lead);
  try {
    const ctx = ownContext(original);
    tasks.set(ctx, task);
    // Koa makes the context itself, so it is given one that is made already.
    const app = Object.create(original.app, {
      createContext: { value: () => ctx },
    }) as Context["app"];
    await runInRequestContext(ctx, () => app.callback()(ctx.req, ctx.res));
    const isSending = task.deliver !== undefined && task.isTaken && !ctx.res.writableFinished;
    if (isSending && !ctx.res.destroyed) await once(ctx.res, "close");
  } finally {
    endPatience();
    if (!task.isTaken) task.lead.release();
  }
}

function ownContext(original: Context): Context {
  const socket = new Drain(original.req.socket) as unknown as Socket;
  const request = ownRequest(original, socket);
  const response = new ServerResponse(request);
  response.assignSocket(socket);
  response.once("finish", () => response.emit("close"));
  const ctx = original.app.createContext(request, response) as Context;
  ctx.state = { ...original.state };
  return ctx;
}

function ownRequest(original: Context, socket: Socket): IncomingMessage {
  const request = new IncomingMessage(socket);
  const { httpVersion, httpVersionMajor, httpVersionMinor } = original.req;
  const version = { httpVersion, httpVersionMajor, httpVersionMinor };
  Object.assign(request, httpVersionMajor < 2 ? version : HTTP_1_1);
  request.method = "GET";
  request.url = original.originalUrl;
  for (const [name, value] of Object.entries(ownHeaders(original))) {
    request.headers[name] = value;
    for (const line of [value].flat()) request.rawHeaders.push(name, line!);
  }
  // It has no body: who reads it comes to its end.
  request.push(null);
  request.complete = true;
  return request;
}

/** What a request is made as that came by HTTP/2, whose requests are of another class. */
const HTTP_1_1 = { httpVersion: "1.1", httpVersionMajor: 1, httpVersionMinor: 1 };

/** The fields of the request, but those by which the client asked for less than the page. */
function ownHeaders(original: Context): IncomingMessage["headers"] {
  const fields = Object.entries(requestFields(original.req) as IncomingMessage["headers"]);
  const kept = fields.filter(
    ([name]) => !CONDITIONAL_FIELDS.includes(name) && !name.startsWith(":"),
  );
  const authority = original.req.headers[":authority"];
  const host = authority === undefined ? {} : { host: String(authority) };
  return { ...host, ...Object.fromEntries(kept) };
}

/** Takes all that is written to it; it has the addresses of another socket. */
class Drain extends Duplex {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly encrypted: boolean;

  constructor(socket: Socket & { readonly encrypted?: boolean }) {
    super();
    this.remoteAddress = socket.remoteAddress;
    this.remotePort = socket.remotePort;
    this.localAddress = socket.localAddress;
    this.localPort = socket.localPort;
    this.encrypted = socket.encrypted ?? false;
  }

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }

  setTimeout(): this {
    return this;
  }
}
