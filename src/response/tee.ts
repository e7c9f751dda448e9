// Begins to collect a body that flows on to the client: any kind of them.
import type { Readable } from "node:stream";
import type { BodyKind } from "./body.js";
import { chunkBytes, StreamTee, type Collected, type Tee, type TeeOptions } from "./stream-tee.js";

/** Begins to collect a body of a kind that flows. */
export function tee(kind: BodyKind, body: unknown, options: TeeOptions): Tee {
  if (kind === "blob") return { body, collected: collectBlob(body as Blob, options.maxBytes) };
  if (kind === "web") return teeWeb(body as ReadableStream<unknown>, options);
  if (kind === "response") return teeResponse(body as Response, options);
  const source = body as Readable;
  return source.destroyed || source.readableEnded
    ? untouched(body)
    : new StreamTee(source, options);
}

/** Somebody read it already: Koa will say so. */
function untouched(body: unknown): Tee {
  return { body, collected: Promise.resolve("aborted") };
}

async function collectBlob(blob: Blob, maxBytes: number): Promise<Collected> {
  if (blob.size > maxBytes) return "too-large";
  try {
    return Buffer.from(await blob.arrayBuffer());
  } catch {
    return "aborted";
  }
}

function teeWeb(stream: ReadableStream<unknown>, options: TeeOptions): Tee {
  if (stream.locked) return untouched(stream);
  const [body, copy] = stream.tee();
  return { body, collected: collectWeb(copy, options) };
}

function teeResponse(response: Response, options: TeeOptions): Tee {
  if (response.bodyUsed) return untouched(response);
  const copy = response.clone().body;
  const collected = copy === null ? Promise.resolve(Buffer.alloc(0)) : collectWeb(copy, options);
  return { body: response, collected };
}

async function collectWeb(
  stream: ReadableStream<unknown>,
  options: TeeOptions,
): Promise<Collected> {
  try {
    return await readWhole(stream, options);
  } catch {
    return "aborted";
  } finally {
    // Not awaited: it takes until the client's branch ends too, and what fails fails there.
    stream.cancel().catch(() => undefined);
  }
}

async function readWhole(
  stream: ReadableStream<unknown>,
  { maxBytes, isGone, isAwaited }: TeeOptions,
): Promise<Collected> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream.values({ preventCancel: true })) {
    const bytes = chunkBytes(chunk);
    if (bytes === undefined || (isGone() && !isAwaited())) return "aborted";
    length += bytes.length;
    if (length > maxBytes) return "too-large";
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
