// Answers HEAD and requests for a part: from a stored page, never storing the answer itself.
import { claim } from "../claims.js";
import type { Fields } from "./fields.js";
import { freshened } from "./freshen.js";
import { uncovered, watchInputs, type InputReads, type InputWatch } from "./inputs.js";
import { askAbout, keepPage, lifetimesOf } from "./keep-page.js";
import { isFor, tell } from "./page-answer.js";
import { pass } from "./page-pass.js";
import { changesOf, fieldsOf, pageFields } from "./snapshot.js";
import { varyNames } from "./storability.js";
import { effectOfHead } from "./validation.js";
import type { Seen } from "./variants.js";
import type { Visit } from "./visit.js";

/** Runs the handlers of a request that no stored page answers. */
export async function readThrough(visit: Visit, seen: Seen | undefined): Promise<void> {
  const { plan, ctx, request, question } = visit;
  const before = fieldsOf(ctx);
  const requestedAt = Date.now();
  plan.engine.lookup.teller.miss(question, {});
  if (seen === undefined) return pass(visit, "uri-miss");
  if (request.method !== "HEAD") return pass(visit, "stale");
  const { reads, isStateListed } = await passWatched(visit);
  // What is not for this client, or was made of what others do not have, is another response.
  const isOther = !isFor(visit, seen.page) || (isStateListed && !seen.page.userless);
  const isAlike = !isOther && ctx.status === seen.page.status && !ctx.headerSent;
  if (isAlike) await learnFromHead(visit, seen, { before, requestedAt, reads });
}

/** Runs the handlers; gives what they read of who asks. */
async function passWatched(visit: Visit): Promise<InputWatch> {
  const watch = watchInputs(visit.ctx);
  try {
    await pass(visit, "stale");
    return watch;
  } finally {
    watch.end();
  }
}

interface Asked {
  readonly before: Fields;
  readonly requestedAt: number;
  readonly reads: InputReads;
}

/** RFC 9111, section 4.3.5. */
async function learnFromHead(visit: Visit, seen: Seen, asked: Asked): Promise<void> {
  const { ctx, plan, request } = visit;
  const { lookup } = plan.engine;
  const { before, requestedAt, reads } = asked;
  const { added, ...changes } = changesOf(before, fieldsOf(ctx));
  const set = changes.set.filter(([name]) => name !== "cache-status");
  const head: Fields = Object.fromEntries([...added, ...set]);
  const effect = effectOfHead(head, pageFields(seen.page));
  if (effect === "nothing" || isUnkeyed(visit, seen, { reads, vary: varyNames(head) ?? [] }))
    return;
  const [found] = await claim(lookup, [seen.question], () => false);
  if (found?.kind !== "lead") return;
  try {
    if (effect === "outdates") {
      await lookup.store.remove([seen.question.key]);
      return;
    }
    const { timeout, tags } = await askAbout(visit, seen.page);
    const newer = { changes: { set, added }, requestedAt, receivedAt: Date.now() };
    const judging = { request, policy: plan.policy, lifetimes: lifetimesOf(visit, timeout) };
    const { page, judged } = freshened(seen.page, newer, judging);
    if (typeof judged === "string") await lookup.store.remove([seen.question.key]);
    else await keepPage(visit, seen, found, { page, ...judged, tags });
  } finally {
    found.release();
  }
}

/** Whether the handlers read what tells this client from others: their fields are his alone. */
function isUnkeyed(
  { covered }: Visit,
  { variant }: Seen,
  { reads, vary }: { readonly reads: InputReads; readonly vary: readonly string[] },
): boolean {
  return uncovered(reads, new Set([...covered, ...variant.names, ...vary])).length > 0;
}

/** The answer to `only-if-cached` where nothing is (RFC 9111, section 5.2.1.7). */
export function refuseUncached(visit: Visit): void {
  const { ctx } = visit;
  ctx.status = 504;
  ctx.body = "Gateway Timeout";
  tell(ctx, { fwd: "miss", detail: "only-if-cached" });
}
