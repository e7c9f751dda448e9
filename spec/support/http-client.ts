// An HTTP client that sends a request exactly as written and tells all that came back.
import { Agent, request, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { connect } from "node:net";

/** Fields by name; a list of values sends the field as often. */
export type SentFields = Readonly<Record<string, string | readonly string[]>>;

/** A request; by default `GET /`. */
export interface Question {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: SentFields;
  readonly body?: string;
}

/** What came back. */
export interface Reply {
  readonly status: number;
  readonly message: string;
  readonly headers: IncomingHttpHeaders;
  readonly raw: readonly string[];
  readonly bytes: Buffer;
  readonly text: string;
  /** `Cache-Status`, or nothing. */
  readonly cacheStatus: string;
  /** Whether the answer came to its proper end. */
  readonly complete: boolean;
}

/** Sends requests to a port, over connections that are kept. */
export class HttpClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 2000 });
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  /** Sends a request, names in the case given, the path not tidied up. */
  ask(question: Question | string = {}): Promise<Reply> {
    const { method = "GET", path = "/", headers = {}, body } = asQuestion(question);
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          agent: this.#agent,
          host: "127.0.0.1",
          port: this.#port,
          method,
          path,
          headers: flat(withDefaults(headers, body, this.#port)),
        },
        (response) => resolve(read(response)),
      );
      sent.once("error", reject);
      sent.end(body);
    });
  }

  /** Sends a request and goes away as soon as the answer begins, or at once. */
  abandon(question: Question | string, when: "at once" | "at the head"): Promise<void> {
    const { method = "GET", path = "/", headers = {} } = asQuestion(question);
    return new Promise((resolve) => {
      const socket = connect(this.#port, "127.0.0.1");
      const lines = flat(withDefaults(headers, undefined, this.#port));
      const fields = lines.map((text, index) => text + (index % 2 === 0 ? ": " : "\r\n")).join("");
      socket.once("close", () => resolve()).on("error", () => undefined);
      socket.write(`${method} ${path} HTTP/1.1\r\n${fields}\r\n`, () => {
        if (when === "at once") setImmediate(() => socket.destroy());
      });
      socket.once("data", () => socket.destroy());
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function asQuestion(question: Question | string): Question {
  return typeof question === "string" ? { path: question } : question;
}

function withDefaults(headers: SentFields, body: string | undefined, port: number): SentFields {
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const host = names.has("host") ? {} : { Host: `127.0.0.1:${port}` };
  const bare = body === undefined || names.has("content-length") || names.has("transfer-encoding");
  const length = bare ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
  return { ...host, ...headers, ...length };
}

function flat(headers: SentFields): string[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().flatMap((line) => [name, line]),
  );
}

/** An answer that breaks off counts as an answer that is not complete. */
async function read(response: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch {
    // Told by `complete`.
  }
  const bytes = Buffer.concat(chunks);
  const { headers, statusCode = 0, statusMessage = "", rawHeaders, complete } = response;
  return {
    status: statusCode,
    message: statusMessage,
    headers,
    raw: rawHeaders,
    bytes,
    text: bytes.toString(),
    cacheStatus: String(headers["cache-status"] ?? ""),
    complete,
  };
}
