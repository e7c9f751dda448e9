// Ends a run by storing its response, or by leaving it to its own client.
import { isFlowing } from "./body.js";
import type { ResponseFacts } from "./fields.js";
import { askAbout, keepPage } from "./keep-page.js";
import { standingOf } from "./page-answer.js";
import type { Storable } from "./policy.js";
import { countMiss, factsOf, judge, pageOf, tellRun, unkeyed, type Run } from "./run.js";
import { settledBytes, type Head, type Page } from "./snapshot.js";
import type { NotStored } from "./storability.js";
import { tellUnkeyed } from "./unkeyed.js";

/** Leaves a response to its client: those who wait run their own handlers. */
export function refuse(run: Run, reason: NotStored, head?: Head): void {
  const { visit, lead } = run;
  const { plan, question, ctx } = visit;
  run.watch.end();
  lead.release();
  // What fails or belongs to one client's credentials says nothing of the next one.
  const isOdd = reason === "authorization" || reason === "responded" || ctx.status >= 500;
  if (!isOdd) plan.uncacheable.add(question.key);
  if (head !== undefined) deliverRefused(run, head);
  countMiss(run);
  tellRun(run, { detail: detailOf(run, reason) }, head);
}

/** Why a response is not stored, with what was read. */
function detailOf(run: Run, reason: NotStored): string {
  return (reason === "unkeyed" ? whyUnkeyed(run) : undefined) ?? reason;
}

/** What the handlers read that the key does not cover, which an event tells as well. */
export function whyUnkeyed(run: Run): string | undefined {
  const inputs = unkeyed(run, []);
  if (inputs.length === 0) return undefined;
  tellUnkeyed(run.visit, inputs, run.watch.reads);
  return `unkeyed: ${inputs.join(", ")}`;
}

/** A response that is given to one client as it is. */
const NOT_JUDGED: Storable = {
  windows: { fresh: 0, whileRevalidating: 0, ifError: 0, revalidatable: 0 },
  authorized: true,
  mayBeStale: false,
  vary: [],
  unstored: new Set(),
};

function deliverRefused(run: Run, head: Head): void {
  if (run.deliver === undefined || isFlowing(head.kind)) return;
  const bytes = settledBytes(head, run.visit.ctx.body, Infinity);
  if (typeof bytes === "string") return;
  const page = pageOf(run, { head, bytes, response: factsOf(run, head) }, NOT_JUDGED);
  if (typeof page !== "string") run.deliver(page);
}

/** Stores a response whose body is there. */
export async function settle(
  run: Run,
  head: Head,
  response: ResponseFacts,
  judged: Storable,
): Promise<void> {
  const { ctx, plan } = run.visit;
  const bytes = settledBytes(head, ctx.body, plan.policy.maxBytes);
  const page = typeof bytes === "string" ? bytes : pageOf(run, { head, bytes, response }, judged);
  run.watch.end();
  if (typeof page === "string") return refuse(run, page, head);
  run.deliver?.(page);
  const reason = await keep(run, page, response);
  countMiss(run);
  if (page.etag !== undefined && reason === undefined) ctx.set("ETag", page.etag);
  const { left } = standingOf(page);
  tellRun(run, reason === undefined ? { stored: true, ttl: left } : { detail: reason }, head);
}

/** Stores a page; gives the reason where it is not stored. */
export async function keep(
  run: Run,
  page: Page,
  response: ResponseFacts,
): Promise<string | undefined> {
  const { visit, selection, lead } = run;
  const { isWanted, timeout, tags } = await askAbout(visit, page);
  const judged = isWanted ? judge(run, response, timeout) : "unwanted";
  if (typeof judged === "string") {
    lead.release();
    return judged;
  }
  const { windows, vary } = judged;
  const { fresh, ifError } = windows;
  const timed = Object.assign(page, { fresh, ifError });
  const isStored = await keepPage(visit, selection, lead, { page: timed, windows, vary, tags });
  if (isStored) visit.plan.uncacheable.delete(visit.question.key);
  return isStored ? undefined : "outdated";
}
