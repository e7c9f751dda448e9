// Answers a request that a stored page may answer: by one, by another request's, or by a run.
import { claim, type Follow, type Hit, type Lead } from "../claims.js";
import type { Entry } from "../entry.js";
import { isEarly } from "../judgement.js";
import type { Outcome } from "../single-flight.js";
import type { Forward } from "./cache-status.js";
import { isPage } from "./checked-page.js";
import { HeldPage, resultOf } from "./held-page.js";
import { isFor, mayHave, mayStandIn, serve, serveHit, statusOf, tellError } from "./page-answer.js";
import { pass } from "./page-pass.js";
import { readThrough, refuseUncached } from "./page-read.js";
import { leadPage } from "./page-run.js";
import { isQuick, reach } from "./quick.js";
import { rerun, type Task } from "./revalidate.js";
import type { Page } from "./snapshot.js";
import { forwardOf, look, select, type Seen, type Selected, type Selection } from "./variants.js";
import { variantText } from "./vary.js";
import type { Visit } from "./visit.js";

/** Answers a request for a whole page; `tries` more, where it waited for another variant. */
export async function lookUp(visit: Visit, tries: number): Promise<void> {
  const { lookup } = visit.plan.engine;
  const epoch = lookup.local?.epoch;
  let page: Page | undefined;
  const selected = await select(visit, lookup, async (candidate, _entry, verdict) => {
    if (!(await isAcceptable(visit, candidate, verdict === "stale"))) return false;
    page = candidate;
    return true;
  });
  if (selected === undefined) return pass(visit, "bypass", "vary");
  const { claim: found } = selected;
  if (found.kind === "hit") {
    const { entry, verdict } = found;
    if (epoch !== undefined && verdict === "fresh" && isQuick(visit.plan)) {
      reach(visit.plan, visit.ctx, { entry, index: selected.first, epoch });
    }
    return answerHit(visit, selected, { found, page: page! });
  }
  if (visit.demand.onlyIfCached) {
    if (found.kind === "lead") found.release();
    return refuseUncached(visit);
  }
  if (found.kind === "lead") return lead(visit, selected, found);
  return follow(visit, selected, { found, tries });
}

async function isAcceptable(visit: Visit, page: Page, isRevalidated: boolean): Promise<boolean> {
  const { isStale } = visit.plan.rules;
  if (visit.isForced || !mayHave(visit, page, isRevalidated)) return false;
  return isStale === undefined || !(await isStale(resultOf(page), visit.ctx));
}

function answerHit(
  visit: Visit,
  selection: Selection,
  { found, page }: { readonly found: Hit; readonly page: Page },
): void {
  const { entry, renew } = found;
  count(visit, entry, found.verdict === "fresh");
  serveHit(visit, page);
  // What the client alone takes in spite of its age is not made anew for that.
  if (found.verdict === "spare") renew?.release();
  else if (renew !== undefined) inBackground(visit, selection, () => Promise.resolve(renew));
  else if (isEarly(selection.question, entry)) renewLater(visit, selection);
}

function count({ plan, question }: Visit, entry: Entry, isFresh: boolean): void {
  const { teller } = plan.engine.lookup;
  if (!isFresh) {
    teller.stale(question, entry, undefined);
    return;
  }
  plan.counts.hits += 1;
  teller.hit(plan.name, entry);
}

/** Makes a page anew in the background, unless somebody does already. */
function renewLater(visit: Visit, selection: Selection): void {
  const { lookup } = visit.plan.engine;
  inBackground(visit, selection, async () => {
    const [found] = await claim(lookup, [selection.question], () => false);
    return found?.kind === "lead" ? found : undefined;
  });
}

function inBackground(
  visit: Visit,
  selection: Selection,
  leading: () => Promise<Lead | undefined>,
): void {
  const { plan, ctx, question } = visit;
  plan.engine.lookup.inBackground(question, async () => {
    const found = await leading();
    if (found === undefined) return;
    await rerun(ctx, taskFor(visit, selection, found));
  });
}

function taskFor(
  { plan, question }: Visit,
  selection: Selection,
  found: Lead,
  deliver?: Task["deliver"],
): Task {
  return {
    plan,
    key: question.key,
    selection,
    lead: found,
    fwd: "stale",
    validates: deliver === undefined,
    isBackground: true,
    deliver,
    isTaken: false,
  };
}

async function lead(visit: Visit, selected: Selected, found: Lead): Promise<void> {
  const spare: unknown = found.spare?.held.give();
  const fwd = forwardFor(selected, isPage(spare) ? spare : undefined);
  const ended = await leadPage({
    visit,
    selection: selected,
    lead: found,
    fwd,
    validates: true,
    isBackground: false,
    deliver: undefined,
  });
  if (ended === "again") await runAgain(visit, selected, found);
}

/** A fresh page that the request does not want was passed over by the request itself. */
function forwardFor(selected: Selected, spare: Page | undefined): Forward {
  const isFresh = spare !== undefined && Date.now() - spare.receivedAt < spare.fresh;
  return isFresh ? "request" : forwardOf(selected, spare);
}

/** The handlers took a condition for theirs that was not: they are asked once more, without. */
async function runAgain(visit: Visit, selection: Selection, found: Lead): Promise<void> {
  let page: Page | undefined;
  const deliver = (made: Page): void => {
    page = made;
  };
  const task = taskFor(visit, selection, found, deliver);
  await rerun(visit.ctx, task);
  if (page === undefined) visit.ctx.throw(502);
  serve(visit, page, { fwd: "stale", fwdStatus: page.status });
}

async function follow(
  visit: Visit,
  selected: Selected,
  { found, tries }: { readonly found: Follow; readonly tries: number },
): Promise<void> {
  const { plan, question, request } = visit;
  const { teller } = plan.engine.lookup;
  const fwd = forwardOf(selected, undefined);
  const outcome = await waitFor(visit, found, fwd);
  const held = outcome?.held;
  if (!(held instanceof HeldPage)) return aside(visit, selected);
  const { page, variant } = held;
  if (variantText(variant.names, request.fields) !== variant.text) {
    return tries > 0 ? lookUp(visit, tries - 1) : aside(visit, selected);
  }
  const isGood = outcome?.isSpare === true ? mayStandIn(visit, page) : isFor(visit, page);
  if (!isGood) return aside(visit, selected);
  teller.miss(question, { collapsed: true });
  serve(visit, page, { fwd, collapsed: true });
}

/** Waits for the request that leads; its failure is this one's, too. */
async function waitFor(
  { plan, ctx, question }: Visit,
  found: Follow,
  fwd: Forward,
): Promise<Outcome | undefined> {
  try {
    return await found.join();
  } catch (error) {
    plan.engine.lookup.teller.miss(question, { collapsed: true });
    tellError(ctx, error, { fwd, fwdStatus: statusOf(error), collapsed: true });
    throw error;
  }
}

/** Runs the handlers for this client alone. */
async function aside(visit: Visit, selected: Selected): Promise<void> {
  visit.plan.engine.lookup.teller.miss(visit.question, {});
  return pass(visit, forwardOf(selected, undefined));
}

/** Answers HEAD, and a request for a part of a page. */
export async function read(visit: Visit): Promise<void> {
  const seen = await look(visit, visit.plan.engine.lookup);
  if (seen !== undefined && (await isSeenGood(visit, seen))) {
    count(visit, seen.entry, seen.verdict === "fresh");
    serveHit(visit, seen.page);
    if (seen.verdict === "stale") renewLater(visit, seen);
    return;
  }
  if (visit.demand.onlyIfCached) return refuseUncached(visit);
  await readThrough(visit, seen);
}

async function isSeenGood(visit: Visit, { page, verdict }: Seen): Promise<boolean> {
  return isAcceptable(visit, page, verdict === "stale");
}
