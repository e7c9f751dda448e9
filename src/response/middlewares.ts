// Which middleware is a page, and whether another one stands outside of it.
import type Koa from "koa";
import { isRequestContext } from "../request/context.js";
import type { PagePlan } from "./page-options.js";

const plans = new WeakMap<object, PagePlan>();

/** Remembers which plan a middleware follows. */
export function registerPage(page: object, plan: PagePlan): void {
  plans.set(page, plan);
}

/** The plan of a middleware that `page()` made. */
export function pagePlan(fn: unknown): PagePlan | undefined {
  return typeof fn === "function" ? plans.get(fn) : undefined;
}

/**
 * Whether a page is the first middleware of an application that may look at a response: nothing
 * but the request context stands outside of it.
 */
export function isOutermost(app: Koa, plan: PagePlan): boolean {
  for (const middleware of app.middleware) {
    if (plans.get(middleware) === plan) return true;
    if (!isRequestContext(middleware)) return false;
  }
  return false;
}
