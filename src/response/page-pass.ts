// Requests that are not answered from the cache: passed on, told of, and what they outdate.
import type { Context } from "koa";
import type { Engine } from "../engine.js";
import { pathOf } from "../request/context.js";
import type { Forward } from "./cache-status.js";
import { invalidatedUrls, isSuccess } from "./invalidation.js";
import { addressOf } from "./key.js";
import { statusOf, tell, tellError } from "./page-answer.js";
import { pathTags, urlTag } from "./page-tags.js";

/** Runs the handlers, and says why. */
export async function pass(
  { ctx, handle }: { readonly ctx: Context; readonly handle: () => unknown },
  fwd: Forward,
  detail?: string,
): Promise<void> {
  const status = detail === undefined ? { fwd } : { fwd, detail };
  try {
    await handle();
  } catch (error) {
    tellError(ctx, error, { ...status, fwdStatus: statusOf(error) });
    throw error;
  }
  tell(ctx, status);
}

/** The caches that look after an unsafe request, so that each does it once. */
const watched = new WeakMap<Context, Set<Engine>>();

/** Runs an unsafe request; if it succeeds, the pages of its URL are outdated, for all clients. */
export async function runUnsafe(
  engine: Engine,
  ctx: Context,
  handle: () => unknown,
): Promise<void> {
  const engines = watched.get(ctx) ?? new Set();
  watched.set(ctx, engines);
  const isFirst = !engines.has(engine);
  engines.add(engine);
  await handle();
  if (isFirst && isSuccess(ctx.status)) await engine.lookup.versions.outdate(outdatedBy(ctx));
}

/** The tags of the URLs that a successful request made invalid. */
function outdatedBy(ctx: Context): readonly string[] {
  const address = addressOf(ctx);
  // A target in absolute form has an origin of its own, which Koa does not believe.
  const url = `${address.origin}${pathOf(address.sent)}`;
  const named = invalidatedUrls(url, ctx.status, ctx.res.getHeaders());
  const others = named.map(({ origin, pathname }) => urlTag(origin, pathname));
  return [...new Set([...pathTags(address), ...others])];
}
