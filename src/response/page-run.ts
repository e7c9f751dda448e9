// Runs the handlers of a page as the one whose response may be stored.
import { currentScope } from "../computations.js";
import { isFlowing } from "./body.js";
import { refuse, settle } from "./conclude.js";
import { flow } from "./flow.js";
import { likelyTimeout } from "./keep-page.js";
import { isFailure, statusOf, tellError } from "./page-answer.js";
import {
  beginRun,
  countMiss,
  factsOf,
  judge,
  unkeyed,
  type Ended,
  type Leadership,
  type Run,
} from "./run.js";
import { takeHead, type Head } from "./snapshot.js";
import { standIn, takeNotModified } from "./stale.js";

/** Runs the handlers and stores what may be stored. */
export async function leadPage(leadership: Leadership): Promise<Ended> {
  const { visit, lead } = leadership;
  const outer = currentScope();
  outer?.waits.add(lead.scope);
  try {
    return await runHandlers(beginRun(leadership));
  } finally {
    outer?.waits.delete(lead.scope);
    outer?.carry(lead.scope.carried, visit.plan.engine.lookup.versions);
  }
}

async function runHandlers(run: Run): Promise<Ended> {
  try {
    await run.lead.run(run.visit.handle);
  } catch (error) {
    run.vary.show();
    return fail(run, error);
  }
  try {
    return await conclude(run);
  } catch (error) {
    run.watch.end();
    run.lead.release();
    throw error;
  }
}

/** Decides what becomes of the response. */
async function conclude(run: Run): Promise<Ended> {
  const { ctx, request } = run.visit;
  const isTaken = Object.getOwnPropertyDescriptor(ctx, "respond")?.value === false;
  const head = isTaken || ctx.headerSent ? undefined : takeHead(ctx, run.before);
  run.vary.show();
  if (head === undefined) return done(refuse(run, "responded"));
  if (ctx.method !== request.method) return done(refuse(run, "method"));
  const isAsked = run.conditions !== undefined && run.stored !== undefined;
  if (head.status === 304 && isAsked) return takeNotModified(run, run.stored, head);
  if (isFailure(head.status) && standIn(run, head.status)) return "done";
  return share(run, head);
}

async function share(run: Run, head: Head): Promise<Ended> {
  const response = factsOf(run, head);
  const judged = judge(run, response, likelyTimeout(run.visit));
  if (typeof judged === "string") return done(refuse(run, judged, head));
  if (unkeyed(run, judged.vary).length > 0) return done(refuse(run, "unkeyed", head));
  if (isFlowing(head.kind)) return done(flow(run, { head, response, judged }));
  return done(await settle(run, head, response, judged));
}

function done(_end: void): Ended {
  return "done";
}

function fail(run: Run, error: unknown): Ended {
  const { visit, lead, fwd, isBackground } = run;
  const status = statusOf(error);
  if (isFailure(status) && standIn(run, status, error)) return "done";
  run.watch.end();
  countMiss(run);
  // Others meet the same failure of the server; what is refused to one client is his own.
  if (status >= 500) lead.fail(error);
  else lead.release();
  if (isBackground) visit.plan.engine.lookup.teller.error(visit.question, error);
  tellError(visit.ctx, error, { fwd, fwdStatus: status });
  throw error;
}
