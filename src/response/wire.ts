// Writes a stored page straight to the client: where no middleware stands outside of the page,
// nobody can look at the context's response before Koa sends it, so it need not be made.
import type { OutgoingHttpHeader } from "node:http";
import type { Context } from "koa";
import { asBuffer } from "./body.js";
import { hitMember } from "./cache-status.js";
import type { Standing } from "./demand.js";
import { ageSeconds } from "./freshness.js";
import { isWide } from "./lazy-body.js";
import { pageFields, type Page } from "./snapshot.js";

/** A page as it is written: names and values in turn, those of `Age` and `Cache-Status` last. */
interface Wire {
  readonly fields: OutgoingHttpHeader[];
  readonly body: Buffer;
}

/** `undefined` for a page that Koa has a say in. */
const wires = new WeakMap<Page, Wire | undefined>();

/** Koa sends these without a body. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/** Writes a page as a hit, if nothing but the page has a say in the response; tells whether. */
export function writeHit(ctx: Context, page: Page, standing: Standing): boolean {
  const { req, res } = ctx;
  const isTaken =
    req.httpVersionMajor >= 2 ||
    res.headersSent ||
    // By a server around the application: what it set or put in place is honoured by Koa's way.
    res.getHeaderNames().length > 0 ||
    Object.hasOwn(res, "writeHead") ||
    Object.hasOwn(res, "end");
  const wire = isTaken ? undefined : wireOf(page);
  if (wire === undefined) return false;
  const { fields, body } = wire;
  fields[fields.length - 3] = String(ageSeconds(standing.age));
  fields[fields.length - 1] = hitMember(standing.left);
  ctx.respond = false;
  if (page.message === "") res.writeHead(page.status, fields);
  else res.writeHead(page.status, page.message, fields);
  res.end(body);
  return true;
}

function wireOf(page: Page): Wire | undefined {
  if (wires.has(page)) return wires.get(page);
  const made = isPlain(page) ? makeWire(page) : undefined;
  wires.set(page, made);
  return made;
}

function isPlain(page: Page): boolean {
  const hasBody = page.kind !== "unset" && page.kind !== "null" && !BODILESS.has(page.status);
  // What another cache wrote is added to.
  return hasBody && !isWide(page) && pageFields(page)["cache-status"] === undefined;
}

function makeWire(page: Page): Wire {
  const body = asBuffer(page.body);
  const { "content-length": _calculated, ...fields } = pageFields(page);
  const stored = Object.entries(fields) as [string, OutgoingHttpHeader][];
  const last = ["content-length", body.length, "age", "", "cache-status", ""];
  return { fields: [...stored.flat(1), ...last], body };
}
