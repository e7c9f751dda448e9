// Puts requests through an application by Node's own messages over a socket in memory.
import { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type Koa from "koa";

/** A request as it would stand on the wire. */
export interface WireRequest {
  readonly method: string;
  readonly target: string;
  /** Names and values by turns. */
  readonly fields: readonly string[];
}

/** An answer as it stood on the wire, the body without chunks. */
export interface WireAnswer {
  readonly status: number;
  readonly message: string;
  /** By lower-case name; several lines of a field joined by a line break. */
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
  readonly complete: boolean;
}

/** The socket's other end is a list of what was written. */
class MemorySocket extends Duplex {
  readonly remoteAddress: string = "127.0.0.1";
  readonly written: Buffer[] = [];

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written.push(chunk);
    done();
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    for (const { chunk } of chunks) this.written.push(chunk);
    done();
  }

  setTimeout(): this {
    return this;
  }
}

/** Answers requests by an application. */
export type Connection = (request: WireRequest) => Promise<WireAnswer>;

/** Connects to an application. */
export function connectTo(app: Koa): Connection {
  const callback = app.callback();
  return (request) =>
    new Promise((resolve) => {
      const socket = new MemorySocket();
      const message = messageOf(request, socket as unknown as Socket);
      const response = new ServerResponse(message);
      response.assignSocket(socket as unknown as Socket);
      const end = (complete: boolean) => {
        resolve(parse(Buffer.concat(socket.written), request.method, complete));
      };
      response.once("finish", () => {
        response.detachSocket(socket as unknown as Socket);
        end(true);
        process.nextTick(() => response.emit("close"));
      });
      socket.once("close", () => end(false));
      void callback(message, response);
    });
}

const ADD_LINES = "_addHeaderLines";

interface Internals {
  [ADD_LINES](fields: readonly string[], count: number): void;
}

function messageOf({ method, target, fields }: WireRequest, socket: Socket): IncomingMessage {
  const message = new IncomingMessage(socket);
  Object.assign(message, { method, url: target, httpVersion: "1.1" });
  message.httpVersionMajor = 1;
  message.httpVersionMinor = 1;
  // What the parser of Node calls: it joins and drops repeated fields by its own rules.
  (message as unknown as Internals)[ADD_LINES](fields, fields.length);
  message.complete = true;
  message.push(null);
  return message;
}

function parse(bytes: Buffer, method: string, complete: boolean): WireAnswer {
  const end = bytes.indexOf("\r\n\r\n");
  const lines = bytes.toString("latin1", 0, end === -1 ? bytes.length : end).split("\r\n");
  const [, status = "0", message = ""] = /^HTTP\/1\.1 (\d+) (.*)$/.exec(lines[0] ?? "") ?? [];
  const fields: Record<string, string> = {};
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(": ");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 2);
    fields[name] = fields[name] === undefined ? value : `${fields[name]}\n${value}`;
  }
  const rest = bytes.toString("latin1", end === -1 ? bytes.length : end + 4);
  const chunked = fields["transfer-encoding"] === "chunked" && method !== "HEAD";
  return { status: Number(status), message, fields, body: chunked ? joined(rest) : rest, complete };
}

/** The chunks of a body; what follows a part that is none is left out. */
function joined(text: string): string {
  const parts: string[] = [];
  for (let at = 0; at < text.length;) {
    const line = text.indexOf("\r\n", at);
    const length = Number.parseInt(text.slice(at, line), 16);
    if (line === -1 || !(length > 0)) break;
    parts.push(text.slice(line + 2, line + 2 + length));
    at = line + 2 + length + 2;
  }
  return parts.join("");
}
