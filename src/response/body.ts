// The kinds of body that Koa sends, and how each comes back from bytes as what it was.
import { Readable, Stream } from "node:stream";

/**
 * What a handler gave as body: nothing at all, `null`, text, a Buffer, a value for JSON, a Node
 * stream, a Blob, a web stream or a web Response.
 */
export type BodyKind =
  | "unset"
  | "null"
  | "text"
  | "bytes"
  | "json"
  | "stream"
  | "blob"
  | "web"
  | "response";

/** The kind of a body, told in the order in which Koa tells them. */
export function bodyKind(body: unknown): BodyKind {
  if (body === undefined) return "unset";
  if (body === null) return "null";
  if (typeof body === "string") return "text";
  if (Buffer.isBuffer(body)) return "bytes";
  if (body instanceof Blob) return "blob";
  if (body instanceof ReadableStream) return "web";
  if (body instanceof Response) return "response";
  return isStream(body) ? "stream" : "json";
}

function isStream(body: unknown): boolean {
  if (body instanceof Stream) return true;
  const { pipe, read, destroy, readable } = Object(body) as Partial<Readable>;
  return readable === true && [pipe, read, destroy].every((part) => typeof part === "function");
}

/** Whether the bytes of a body arrive bit by bit. */
export function isFlowing(kind: BodyKind): kind is "stream" | "blob" | "web" | "response" {
  return kind === "stream" || kind === "blob" || kind === "web" || kind === "response";
}

/** The bytes that Koa would send of a body that is there at once; `undefined` if it cannot. */
export function bytesOf(kind: BodyKind, body: unknown): Buffer | undefined {
  if (kind === "text") return Buffer.from(body as string);
  // The handler, or a middleware on the way out, may still write into its own Buffer.
  if (kind === "bytes") return Buffer.from(body as Buffer);
  return kind === "json" ? jsonBytes(body) : Buffer.alloc(0);
}

function jsonBytes(body: unknown): Buffer | undefined {
  try {
    const text = JSON.stringify(body) as string | undefined;
    return text === undefined ? undefined : Buffer.from(text);
  } catch {
    // Koa meets the same error when it sends the body, and tells of it.
    return undefined;
  }
}

type Maker = (bytes: Buffer, type: string) => unknown;

const MAKERS: Readonly<Record<BodyKind, Maker>> = {
  unset: () => undefined,
  null: () => null,
  text: (bytes) => bytes.toString(),
  bytes: (bytes) => Buffer.from(bytes),
  json: (bytes) => JSON.parse(bytes.toString()) as unknown,
  stream: (bytes) => streamOf(Buffer.from(bytes)),
  blob: (bytes, type) => new Blob([new Uint8Array(bytes)], { type }),
  web: (bytes) => new Blob([new Uint8Array(bytes)]).stream(),
  response: (bytes) => new Response(new Uint8Array(bytes)),
};

/** Whether a text from a store names a kind of body. */
export function isBodyKind(kind: unknown): kind is BodyKind {
  return typeof kind === "string" && Object.hasOwn(MAKERS, kind);
}

/** A body of the kind that the handler gave, made of stored bytes: the caller's own. */
export function bodyOf(kind: BodyKind, bytes: Uint8Array, type: string): unknown {
  return MAKERS[kind](asBuffer(bytes), type);
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function streamOf(bytes: Buffer): Readable {
  return new Readable({
    read() {
      this.push(bytes);
      this.push(null);
    },
  });
}
