// Whole responses: the middleware and the views that answer requests from stored pages.
import type { Context, Middleware, Next } from "koa";
import type { Engine } from "../engine.js";
import { lookUp, read } from "./lookup-page.js";
import { registerPage } from "./middlewares.js";
import { planPage, type PageOptions, type PagePlan } from "./page-options.js";
import { pass, runUnsafe } from "./page-pass.js";
import { leadPage } from "./page-run.js";
import { answerQuickly } from "./quick.js";
import { taskOf, type Task } from "./revalidate.js";
import { arrivalOf, visitOf, type Arrival, type Visit } from "./visit.js";

/** The middleware of a page. */
export function pageMiddleware(engine: Engine, options: PageOptions): Middleware {
  const plan = planPage(engine, options);
  const page = (ctx: Context, next: Next): Promise<void> =>
    answer(plan, ctx, { handle: next, isForced: false, makeKey: undefined });
  registerPage(page, plan);
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
  const visit = task.plan === arrival.plan ? await visitOf(arrival, arrival.isForced) : undefined;
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
  return visitOf(arrival, isForced);
}
