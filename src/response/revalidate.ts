// Runs an application's whole stack again, on a context of its own, to make a page anew.
import { once } from "node:events";
import { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Context } from "koa";
import { runInRequestContext } from "../request/context.js";
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
    if (!task.isTaken) task.lead.release();
  }
}

function ownContext(original: Context): Context {
  const socket = new Drain(original.req.socket) as unknown as Socket;
  const request = new IncomingMessage(socket);
  request.method = "GET";
  request.url = original.originalUrl;
  for (const [name, value] of Object.entries(ownHeaders(original))) {
    request.headers[name] = value;
    for (const line of [value].flat()) request.rawHeaders.push(name, line!);
  }
  const response = new ServerResponse(request);
  response.assignSocket(socket);
  response.once("finish", () => response.emit("close"));
  const ctx = original.app.createContext(request, response) as Context;
  ctx.state = { ...original.state };
  return ctx;
}

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

/** Takes all that is written to it; it has the address of another socket. */
class Drain extends Duplex {
  readonly remoteAddress: string | undefined;
  readonly encrypted: boolean;

  constructor({ remoteAddress, encrypted }: Socket & { readonly encrypted?: boolean }) {
    super();
    this.remoteAddress = remoteAddress;
    this.encrypted = encrypted ?? false;
  }

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }

  setTimeout(): this {
    return this;
  }
}
