// Handlers that answer with every kind of body, and with fields and reasons that are hard to keep.
import { createReadStream, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { PageHandler } from "./page-site.js";

const file = join(mkdtempSync(join(tmpdir(), "koa-caching-")), "a.bin");
writeFileSync(file, Buffer.from([0, 255, 10, 13, 128]));

/** Handlers by what is special about their answer. */
export const BODIES: Readonly<Record<string, PageHandler>> = {
  "plain text": (ctx) => (ctx.body = "grüße ✓"),
  HTML: (ctx) => (ctx.body = "<p>a</p>"),
  "text of a type": (ctx) => ((ctx.type = "text/css"), (ctx.body = "p { }")),
  "empty text": (ctx) => (ctx.body = ""),
  bytes: (ctx) => (ctx.body = Buffer.from([0, 255, 10, 13, 128])),
  JSON: (ctx) => (ctx.body = { a: [1, null, "ü"], date: new Date(0) }),
  "a list": (ctx) => (ctx.body = [1, 2]),
  "a stream": (ctx) => (ctx.body = Readable.from(["a", "ü", "c"])),
  "an empty stream": (ctx) => (ctx.body = Readable.from([])),
  "a file": (ctx) => (ctx.body = createReadStream(file)),
  "a blob": (ctx) => (ctx.body = new Blob(["blob"], { type: "text/x-blob" })),
  "a web stream": (ctx) => (ctx.body = new Blob(["web"]).stream()),
  "a Response": (ctx) => (ctx.body = new Response("response", { headers: { "x-a": "1" } })),
  "null as 200": (ctx) => ((ctx.body = null), (ctx.status = 200)),
  "a status alone": (ctx) => (ctx.status = 200),
  "a message of its own": (ctx) => ((ctx.body = "a"), (ctx.message = "Fine")),
  "fields of many lines": (ctx) => (
    ctx.set("Link", ["<a>; rel=x", "<b>; rel=y"]),
    (ctx.body = "a")
  ),
  "a field that is a number": (ctx) => (
    ctx.set("X-Count", 7 as unknown as string),
    (ctx.body = "a")
  ),
  "a field beyond ASCII": (ctx) => (ctx.set("X-Name", "größe"), (ctx.body = "a")),
  "a stream of known length": (ctx) => ((ctx.body = Readable.from(["abcd"])), (ctx.length = 4)),
};
