// Whole responses: the middleware and the views that answer requests from stored pages.
import type { Context, Middleware, Next } from "koa";
import { claim, type Follow, type Hit, type Lead } from "../claims.js";
import type { Engine } from "../engine.js";
import type { Entry } from "../entry.js";
import { isEarly } from "../judgement.js";
import type { Outcome } from "../single-flight.js";
import type { Forward } from "./cache-status.js";
import { HeldPage, resultOf } from "./held-page.js";
import { isFor, mayHave, mayStandIn, serve, statusOf, tellError } from "./page-answer.js";
import { planPage, type PageOptions, type PagePlan } from "./page-options.js";
import { pass, runUnsafe } from "./page-pass.js";
import { readThrough, refuseUncached } from "./page-read.js";
import { leadPage } from "./page-run.js";
import { answerQuickly, isQuick, reach } from "./quick.js";
import { rerun, taskOf, type Task } from "./revalidate.js";
import { isPage, type Page } from "./snapshot.js";
import { forwardOf, look, select, type Seen, type Selected, type Selection } from "./variants.js";
import { variantText } from "./vary.js";
import { arrivalOf, visitOf, type Arrival, type Visit } from "./visit.js";

const plans = new WeakMap<object, PagePlan>();

/** The plan of a middleware that `page()` made. */
export function pagePlan(fn: unknown): PagePlan | undefined {
  return typeof fn === "function" ? plans.get(fn) : undefined;
}

/** The middleware of a page. */
export function pageMiddleware(engine: Engine, options: PageOptions): Middleware {
  const plan = planPage(engine, options);
  const page = (ctx: Context, next: Next): Promise<void> =>
    answer(plan, ctx, { handle: next, isForced: false, makeKey: undefined });
  plans.set(page, plan);
  return page as Middleware;
}

/** How the handlers are run, and what the caller wants. */
export type Given = Pick<Arrival, "handle" | "isForced" | "makeKey">;

const DONE = Promise.resolve();

/** Answers a request: from a stored page, from another request's, or by running the handlers. */
export function answer(plan: PagePlan, ctx: Context, given: Given): Promise<void> {
  const isPlain = !given.isForced && given.makeKey === undefined && taskOf(ctx) === undefined;
  if (isPlain && answerQuickly(plan, ctx)) return DONE;
  return answerFully(plan, ctx, given);
}

async function answerFully(plan: PagePlan, ctx: Context, given: Given): Promise<void> {
  const { engine, rules, name } = plan;
  if (!engine.enabled) return void (await given.handle());
  if (rules.unless !== undefined && (await rules.unless(ctx))) {
    if (engine.events.heard("bypass")) engine.events.emit("bypass", { name });
    return pass({ ctx, handle: given.handle }, "bypass");
  }
  const arrival = arrivalOf(plan, ctx, given);
  const task = taskOf(ctx);
  if (task !== undefined && !task.isTaken) return perform(task, arrival);
  return approach(arrival);
}

/** A request that is there for one page passes by all others on the way to it. */
async function perform(task: Task, arrival: Arrival): Promise<void> {
  const visit = task.plan === arrival.plan ? await visitOf(arrival) : undefined;
  if (visit === undefined || visit.question.key !== task.key) return void (await arrival.handle());
  task.isTaken = true;
  if ((await leadPage({ ...task, visit })) === "again") task.lead.release();
}

async function approach(arrival: Arrival): Promise<void> {
  const { plan, ctx, handle } = arrival;
  switch (arrival.approach) {
    case "unsafe":
      return pass({ ctx, handle: () => runUnsafe(plan.engine, ctx, handle) }, "method");
    case "method":
      return pass(arrival, "method");
    case "request-body":
    case "precondition":
    case "url":
      return pass(arrival, "bypass", arrival.approach);
    case "read":
      return read(await forcing(arrival));
    case "lookup":
      return lookUp(await forcing(arrival), 2);
  }
}

async function forcing(arrival: Arrival): Promise<Visit> {
  const { forcedUpdate } = arrival.plan.rules;
  const isForced =
    arrival.isForced || (forcedUpdate !== undefined && Boolean(await forcedUpdate(arrival.ctx)));
  return visitOf({ ...arrival, isForced });
}

async function lookUp(visit: Visit, tries: number): Promise<void> {
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
    return serveHit(visit, selected, { found, page: page! });
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

function serveHit(
  visit: Visit,
  selection: Selection,
  { found, page }: { readonly found: Hit; readonly page: Page },
): void {
  const { entry, renew } = found;
  count(visit, entry, found.verdict === "fresh");
  serve(visit, page, { hit: true });
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
    await rerun(ctx, taskFor(visit, selection, { lead: found, isBackground: true }));
  });
}

function taskFor(
  { plan, question }: Visit,
  selection: Selection,
  more: Pick<Task, "lead" | "isBackground" | "deliver">,
): Task {
  const fwd = "stale";
  const validates = more.deliver === undefined;
  return { plan, key: question.key, selection, fwd, validates, isTaken: false, ...more };
}

async function lead(visit: Visit, selected: Selected, found: Lead): Promise<void> {
  const spare: unknown = found.spare?.held.give();
  const fwd = forwardFor(selected, isPage(spare) ? spare : undefined);
  const leadership = { visit, selection: selected, lead: found, fwd };
  const ended = await leadPage({ ...leadership, validates: true, isBackground: false });
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
  const task = taskFor(visit, selection, { lead: found, isBackground: true, deliver });
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

/** HEAD, and a part of a page. */
async function read(visit: Visit): Promise<void> {
  const seen = await look(visit, visit.plan.engine.lookup);
  if (seen !== undefined && (await isSeenGood(visit, seen))) {
    count(visit, seen.entry, seen.verdict === "fresh");
    serve(visit, seen.page, { hit: true });
    if (seen.verdict === "stale") renewLater(visit, seen);
    return;
  }
  if (visit.demand.onlyIfCached) return refuseUncached(visit);
  await readThrough(visit, seen);
}

async function isSeenGood(visit: Visit, { page, verdict }: Seen): Promise<boolean> {
  return isAcceptable(visit, page, verdict === "stale");
}

