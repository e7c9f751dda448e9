// What becomes of a stored page past its time: it is freshened, or stands in for a failure.
import { currentScope } from "../computations.js";
import { keep, whyUnkeyed } from "./conclude.js";
import { freshened, type Freshened } from "./freshen.js";
import { HeldPage } from "./held-page.js";
import { askAbout, lifetimesOf } from "./keep-page.js";
import { mayStandIn, serve } from "./page-answer.js";
import { countMiss, ownFields, reset, type Ended, type Run } from "./run.js";
import type { Head, Page } from "./snapshot.js";
import { freshens } from "./validation.js";

/** The handlers say that the stored page still holds. */
export async function takeNotModified(run: Run, stored: Page, head: Head): Promise<Ended> {
  run.watch.end();
  const { changes } = head;
  if (!freshens(ownFields({ added: changes.added, fields: changes.set }), ownFields(stored))) {
    reset(run);
    return "again";
  }
  const { page, judged } = await freshenedBy(run, stored, head);
  const refusal = whyUnkeyed(run) ?? judged;
  const reason =
    typeof refusal === "string" ? await drop(run, refusal) : await keepFreshened(run, page);
  countMiss(run);
  reset(run);
  const outcome = reason === undefined ? { stored: true } : { detail: reason };
  serve(run.visit, page, { fwd: run.fwd, fwdStatus: 304, ...outcome });
  return "done";
}

async function freshenedBy(run: Run, stored: Page, { changes }: Head): Promise<Freshened> {
  const { visit, requestedAt } = run;
  const { timeout } = await askAbout(visit, stored);
  const { request, plan } = visit;
  const newer = { changes, requestedAt, receivedAt: Date.now() };
  const lifetimes = lifetimesOf(visit, timeout);
  return freshened(stored, newer, { request, policy: plan.policy, lifetimes });
}

function keepFreshened(run: Run, page: Page): Promise<string | undefined> {
  const { status, receivedAt } = page;
  const { requestedAt } = run;
  return keep(run, page, { status, fields: ownFields(page), requestedAt, receivedAt });
}

/** The page may not be stored any more: it serves this client, once. */
async function drop({ visit, selection, lead }: Run, reason: string): Promise<string> {
  lead.release();
  await visit.plan.engine.lookup.store.remove([selection.question.key]);
  return reason;
}

/** Serves the stored page in place of a failure, if it is good for that; tells whether it did. */
export function standIn(run: Run, status: number, error?: unknown): boolean {
  const { visit, lead, selection, stored } = run;
  const { spare } = lead;
  if (stored === undefined || spare === undefined || !isGood(run, stored)) return false;
  const { lookup } = visit.plan.engine;
  run.watch.end();
  const { carried } = spare;
  lead.release({ held: new HeldPage(stored, selection.variant), carried });
  currentScope()?.carry(carried, lookup.versions);
  const failure = error ?? new Error(`The handlers answered ${status}.`);
  lookup.teller.stale(visit.question, spare, failure);
  reset(run);
  serve(visit, stored, { fwd: "stale", fwdStatus: status });
  return true;
}

function isGood({ visit, lead, epoch, isBackground }: Run, stored: Page): boolean {
  if (isBackground || visit.ctx.headerSent || !mayStandIn(visit, stored)) return false;
  const tags = (lead.spare?.carried ?? []).map(({ tag }) => tag);
  return !visit.plan.engine.lookup.versions.invalidatedSince(tags, epoch);
}
