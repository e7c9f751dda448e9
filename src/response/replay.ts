// Gives a stored response to another request, as if its handlers had run.
import { Stream } from "node:stream";
import type { Context } from "koa";
import type { Fields } from "./fields.js";
import { ageSeconds } from "./freshness.js";
import { offerBody, setBytes } from "./lazy-body.js";
import { pageFields, type Page, type StoredField } from "./snapshot.js";
import { goesWithNotModified } from "./validation.js";

/** How a page is given. */
export interface Replaying {
  /** How old it is, in milliseconds. */
  readonly age: number;
  /** Whether nobody looks at the response before Koa sends it. */
  readonly isAlone: boolean;
}

/** Sets status, fields and body of a context from a page. */
export function replay(ctx: Context, page: Page, { age, isAlone }: Replaying): void {
  // Before the status, which `null` would change.
  if (page.kind === "null") ctx.body = null;
  setStatus(ctx, page);
  setFields(ctx, page, age);
  if (page.kind === "unset" || page.kind === "null") return;
  if (isAlone) setBytes(ctx, page);
  else offerBody(ctx, page);
}

/** The same for a client that has the response already: 304, and the fields that go with it. */
export function replayNotModified(ctx: Context, page: Page, { age }: Pick<Replaying, "age">): void {
  const hasTag = pageFields(page)["etag"] !== undefined;
  const goes = ([name]: StoredField) => goesWithNotModified(name, hasTag);
  ctx.status = 304;
  const { fields, added } = page;
  setFields(ctx, { ...page, fields: fields.filter(goes), added: added.filter(goes) }, age);
}

// On the way of every hit: the accessors of the context itself, which pass on by name, and the
// taking apart of lists are what it would cost most.

function setStatus({ req, response }: Context, page: Pick<Page, "status" | "message">): void {
  response.status = page.status;
  if (req.httpVersionMajor < 2 && response.message !== page.message) {
    response.message = page.message;
  }
}

function setFields(ctx: Context, page: Page, age: number): void {
  const { res } = ctx;
  for (const name of page.removed) if (res.hasHeader(name)) res.removeHeader(name);
  for (const field of page.fields) res.setHeader(field[0], field[1]);
  for (const field of page.added) append(ctx, field);
  if (page.etag !== undefined) res.setHeader("etag", page.etag);
  res.setHeader("age", String(ageSeconds(age)));
}

/** Adds to what the middleware outside set for this request. */
function append(ctx: Context, [name, value]: StoredField): void {
  const before = ctx.res.getHeader(name);
  if (name === "vary") ctx.vary(String(value));
  else if (before === undefined) ctx.res.setHeader(name, value);
  else if (typeof value === "string") ctx.res.setHeader(name, `${String(before)}, ${value}`);
  else ctx.res.setHeader(name, [before, value].flat().map(String));
}

/** As Koa does with a stream that another body replaces. */
function destroyStream(body: unknown): void {
  if (!(body instanceof Stream)) return;
  body.once("error", () => undefined);
  if ("destroy" in body && typeof body.destroy === "function") body.destroy();
}

/**
 * Puts a context back to before its handlers ran, so that they can run again: with the fields that
 * were set by then, Koa's status of a request that nobody answered, and no body.
 */
export function resetResponse(ctx: Context, before: Fields): void {
  if (ctx.headerSent) return;
  destroyStream(ctx.body);
  for (const name of ctx.res.getHeaderNames()) ctx.res.removeHeader(name);
  for (const [name, value] of Object.entries(before)) {
    if (value !== undefined) ctx.res.setHeader(name, value);
  }
  const state = ctx.response as unknown as Record<string, unknown>;
  Object.assign(state, { _body: undefined, _explicitStatus: false, _explicitNullBody: false });
  ctx.res.statusCode = 404;
  if (ctx.req.httpVersionMajor < 2) ctx.res.statusMessage = "";
}
