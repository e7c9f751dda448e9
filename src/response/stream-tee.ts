// Collects a Node stream while it flows on to the client.
import type { ServerResponse } from "node:http";
import { Readable, type Stream } from "node:stream";

/** The bytes of a body, or why there are none to store. */
export type Collected = Buffer | "too-large" | "aborted";

/** A body under way. */
export interface Tee {
  /** What goes to the client in place of the body, which has been taken over. */
  readonly body: unknown;
  /** The whole of it; never rejects: what fails, fails for the client. */
  readonly collected: Promise<Collected>;
}

/** Who wants a body, and how much of it is collected. */
export interface TeeOptions {
  readonly maxBytes: number;
  /** Whether the client went away. */
  readonly isGone: () => boolean;
  /** Whether others wait for the body, so that it is collected without the client. */
  readonly isAwaited: () => boolean;
}

/** Whether the client of a response went away, or has all of it. */
export function isClientGone(response: ServerResponse): boolean {
  // A pipelined response has no socket until its turn comes.
  const { destroyed, writableFinished, socket } = response;
  return destroyed || writableFinished || (socket?.destroyed ?? false);
}

/** The bytes of what a stream gave; `undefined` if it cannot be sent. */
export function chunkBytes(chunk: unknown): Buffer | undefined {
  if (typeof chunk === "string") return Buffer.from(chunk);
  return chunk instanceof Uint8Array ? Buffer.from(chunk) : undefined;
}

/**
 * Node streams cannot be copied, so the source is read here. While the body may still be stored,
 * it is read as fast as it comes, so that a slow client does not keep the others waiting; what the
 * client has not taken is at most `maxBytes`. After that the client sets the pace.
 */
export class StreamTee implements Tee {
  readonly body: Readable;
  readonly collected: Promise<Collected>;
  readonly #source: Readable;
  readonly #destroySource: (error?: Error) => unknown;
  readonly #options: TeeOptions;
  /** Absent once nothing is collected any more. */
  #chunks: Buffer[] | undefined = [];
  #length = 0;
  #ended = false;
  #settle!: (collected: Collected) => void;

  constructor(body: Stream, options: TeeOptions) {
    const source = "read" in body ? (body as Readable) : new Readable().wrap(body as never);
    this.#source = source;
    this.#destroySource = source.destroy.bind(source);
    this.#options = options;
    this.collected = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.body = new Readable({
      read: () => void source.resume(),
      destroy: (error, done) => {
        this.#clientEnds();
        done(error);
      },
    });
    this.#shield(body as Partial<Readable>);
    this.#listen();
  }

  /**
   * Koa destroys the body of a request whose client went away. While it is collected for others,
   * that must not reach the source; a handler that destroys it before does so on purpose.
   */
  #shield(body: Partial<Readable>): void {
    const destroy = body.destroy?.bind(body);
    if (destroy === undefined) return;
    body.destroy = (error) => {
      const left = this.body.destroyed || this.#options.isGone();
      const shielded = left && error === undefined && this.#chunks !== undefined;
      return shielded ? (body as Readable) : destroy(error);
    };
  }

  #listen(): void {
    const source = this.#source;
    source.on("end", () => this.#end());
    source.on("error", (error) => this.#fail(error));
    source.on("close", () => this.#fail(new Error("The stream was closed before it ended.")));
    source.on("data", (chunk: unknown) => this.#data(chunk));
  }

  #data(chunk: unknown): void {
    const bytes = chunkBytes(chunk);
    if (bytes === undefined) {
      this.#destroySource(
        new TypeError(`A stream that is sent must give text or bytes; got ${typeof chunk}.`),
      );
      return;
    }
    this.#keep(bytes);
    const wanted = this.body.destroyed || this.body.push(bytes);
    if (!wanted && this.#chunks === undefined) this.#source.pause();
  }

  #keep(bytes: Buffer): void {
    this.#length += bytes.length;
    if (this.#length > this.#options.maxBytes) this.#giveUp("too-large");
    else this.#chunks?.push(bytes);
  }

  #end(): void {
    this.#ended = true;
    if (this.#chunks !== undefined) this.#settle(Buffer.concat(this.#chunks));
    this.#chunks = undefined;
    if (!this.body.destroyed) this.body.push(null);
  }

  #fail(error: Error): void {
    if (this.#ended) return;
    this.#giveUp("aborted");
    if (!this.body.destroyed) this.body.destroy(error);
  }

  /** From here on the client alone wants the body; without him nobody does. */
  #giveUp(why: "too-large" | "aborted"): void {
    if (this.#chunks === undefined) return;
    this.#chunks = undefined;
    this.#settle(why);
    if (this.body.destroyed) this.#destroySource();
  }

  #clientEnds(): void {
    const { isGone, isAwaited } = this.#options;
    if (isGone() && !isAwaited()) this.#giveUp("aborted");
    if (this.#chunks === undefined) this.#destroySource();
    else this.#source.resume();
  }
}
