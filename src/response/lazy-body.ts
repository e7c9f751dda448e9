// Offers the body of a stored page without making it: most often nobody looks at it before Koa.
import type { Context } from "koa";
import { asBuffer, bodyOf } from "./body.js";
import { messageOf, type Page } from "./snapshot.js";

/** Where Koa keeps a body. */
const KOAS = "_body";
const OFFERED = Symbol("offered");
const SENDING = Symbol("sending");

interface Offering {
  [OFFERED]: Page | undefined;
  /** Whether Koa has begun to send. */
  [SENDING]: boolean;
  readonly ctx: Context;
}

/** The prototypes of contexts and responses whose body is offered. */
interface Prototypes {
  readonly context: object;
  readonly response: object;
}

const prototypes = new WeakMap<Context["app"], Prototypes>();

/**
 * Offers the body of a page: a middleware outside that looks at `ctx.body` finds what the handler
 * gave, made then; if nobody looks, Koa sends the stored bytes as they are. Koa reads
 * `ctx.respond` and then `ctx.body`, at once, when every middleware is done.
 */
export function offerBody(ctx: Context, page: Page): void {
  const { app } = ctx;
  const response = ctx.response as unknown as Offering;
  const isPlain =
    Object.getPrototypeOf(ctx) === app.context &&
    Object.getPrototypeOf(response) === app.response &&
    !Object.hasOwn(response, "_body") &&
    !Object.hasOwn(ctx, "respond");
  if (!isPlain) {
    setBody(ctx, page);
    return;
  }
  const { context, response: lazy } = prototypesOf(app);
  response[OFFERED] = page;
  response[SENDING] = false;
  // Far cheaper than accessors of each object's own.
  Object.setPrototypeOf(response, lazy);
  Object.setPrototypeOf(ctx, context);
}

/**
 * Sets the stored bytes as body where nobody looks at it before Koa sends it. Not through Koa's
 * setter, which would work out type and length again.
 */
export function setBytes(ctx: Context, page: Page): void {
  const response = ctx.response as unknown as Record<string, unknown>;
  response[KOAS] = bytesToSend(ctx, page);
}

function prototypesOf(app: Context["app"]): Prototypes {
  const known = prototypes.get(app);
  if (known !== undefined) return known;
  const made = {
    context: Object.create(app.context, { respond: RESPOND }) as object,
    response: Object.create(app.response, { _body: BODY }) as object,
  };
  prototypes.set(app, made);
  return made;
}

/** Cheaper than `queueMicrotask()`, which makes an asynchronous resource. */
const NEXT_TURN = Promise.resolve();

const RESPOND: PropertyDescriptor = {
  configurable: true,
  get(this: Context) {
    const response = this.response as unknown as Offering;
    if (response[OFFERED] !== undefined) {
      response[SENDING] = true;
      void NEXT_TURN.then(() => (response[SENDING] = false));
    }
    return undefined;
  },
  set(this: Context, value: unknown) {
    own(this, "respond", value);
  },
};

const BODY: PropertyDescriptor = {
  configurable: true,
  get(this: Offering) {
    const page = this[OFFERED];
    if (page === undefined) return undefined;
    if (this[SENDING]) return bytesToSend(this.ctx, page);
    this[OFFERED] = undefined;
    setBody(this.ctx, page);
    return this.ctx.body;
  },
  set(this: Offering, value: unknown) {
    this[OFFERED] = undefined;
    own(this, "_body", value);
  },
};

function own(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

function bytesToSend({ res }: Context, page: Page): Buffer | string {
  // Node writes a head beyond ASCII in another way before text than before bytes.
  if (page.kind === "text" && isWide(page)) return asBuffer(page.body).toString();
  const open = !res.headersSent && !res.hasHeader("transfer-encoding");
  if (open) res.setHeader("content-length", page.body.length);
  return Buffer.isBuffer(page.body) ? page.body : asBuffer(page.body);
}

const wide = new WeakMap<Page, boolean>();

/** Whether a field of a page, or its reason, is beyond ASCII. */
function isWide(page: Page): boolean {
  const known = wide.get(page);
  if (known !== undefined) return known;
  const lines = [page.message, ...[...page.fields, ...page.added].flatMap(([, value]) => value)];
  const found = lines.some((line) => /[^\x20-\x7e\t]/.test(line));
  wide.set(page, found);
  return found;
}

/** The fields that Koa changes by itself when a body is set. */
const SET_BY_KOA: readonly string[] = ["content-type", "content-length", "transfer-encoding"];

/** Sets the body through Koa, and the fields and the status as they were before. */
function setBody(ctx: Context, page: Page): void {
  const { status, res } = ctx;
  const message = messageOf(ctx);
  const before = SET_BY_KOA.map((name) => [name, res.getHeader(name)] as const);
  ctx.body = bodyOf(page.kind, page.body, String(res.getHeader("content-type") ?? ""));
  ctx.status = status;
  if (messageOf(ctx) !== message) ctx.message = message;
  if (res.headersSent) return;
  for (const [name, value] of before) {
    if (value !== undefined) res.setHeader(name, value);
    // Node takes the removal of a field, even of one that is not there, for a wish to go without.
    else if (res.hasHeader(name)) res.removeHeader(name);
  }
}
