// Answers HEAD and requests for a part: from a stored page, never storing the answer itself.
import { claim } from "../claims.js";
import type { Fields } from "./fields.js";
import { freshened } from "./freshen.js";
import { askAbout, keepPage, lifetimesOf } from "./keep-page.js";
import { tell } from "./page-answer.js";
import { pass } from "./page-pass.js";
import { changesOf, fieldsOf, pageFields } from "./snapshot.js";
import { effectOfHead } from "./validation.js";
import type { Seen } from "./variants.js";
import type { Visit } from "./visit.js";

/** Runs the handlers of a request that no stored page answers. */
export async function readThrough(visit: Visit, seen: Seen | undefined): Promise<void> {
  const { plan, ctx, request, question } = visit;
  const before = fieldsOf(ctx);
  const requestedAt = Date.now();
  plan.engine.lookup.teller.miss(question, {});
  await pass(visit, seen === undefined ? "uri-miss" : "stale");
  const isAlike = seen !== undefined && ctx.status === seen.page.status;
  if (request.method === "HEAD" && isAlike && !ctx.headerSent) {
    await learnFromHead(visit, seen, { before, requestedAt });
  }
}

interface Asked {
  readonly before: Fields;
  readonly requestedAt: number;
}

/** RFC 9111, section 4.3.5. */
async function learnFromHead(visit: Visit, seen: Seen, asked: Asked): Promise<void> {
  const { ctx, plan, request } = visit;
  const { lookup } = plan.engine;
  const { added, ...changes } = changesOf(asked.before, fieldsOf(ctx));
  const set = changes.set.filter(([name]) => name !== "cache-status");
  const effect = effectOfHead(Object.fromEntries([...added, ...set]), pageFields(seen.page));
  if (effect === "nothing") return;
  const [found] = await claim(lookup, [seen.question], () => false);
  if (found?.kind !== "lead") return;
  try {
    if (effect === "outdates") {
      await lookup.store.remove([seen.question.key]);
      return;
    }
    const { timeout, tags } = await askAbout(visit, seen.page);
    const newer = { changes: { set, added }, ...asked, receivedAt: Date.now() };
    const judging = { request, policy: plan.policy, lifetimes: lifetimesOf(visit, timeout) };
    const { page, judged } = freshened(seen.page, newer, judging);
    if (typeof judged === "string") await lookup.store.remove([seen.question.key]);
    else await keepPage(visit, seen, found, { page, ...judged, tags });
  } finally {
    found.release();
  }
}

/** The answer to `only-if-cached` where nothing is (RFC 9111, section 5.2.1.7). */
export function refuseUncached(visit: Visit): void {
  const { ctx } = visit;
  ctx.status = 504;
  ctx.body = "Gateway Timeout";
  tell(ctx, { fwd: "miss", detail: "only-if-cached" });
}
