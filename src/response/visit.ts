// One request to a page: what it asks for, and under which key.
import type { Context } from "koa";
import type { Question } from "../record.js";
import { currentContext, pathOf } from "../request/context.js";
import type { AnyFunction } from "../rules.js";
import { OptionError, show } from "../errors.js";
import { ROOT } from "../versions.js";
import { approachTo, demandOf, type Approach, type Demand } from "./demand.js";
import type { RequestFacts } from "./fields.js";
import { watchInputs } from "./inputs.js";
import { addressOf, isBounded, pageKey, type KeyName } from "./key.js";
import type { PagePlan } from "./page-options.js";
import { nameTag, pageNames, pathTags } from "./page-tags.js";
import { readValues } from "./read-values.js";
import { requestFields } from "./request-headers.js";

/** What distinguishes entries of pages from values under the same key. */
export const PAGE = "page";

// Requests are spelled out where they are made: an object that is put together by `...` is slower to
// make and to read, and every miss does both.

/** A request, before its key is known. */
export interface Arrival {
  readonly plan: PagePlan;
  readonly ctx: Context;
  /** Runs the handlers. */
  readonly handle: () => unknown;
  readonly request: RequestFacts;
  readonly approach: Approach | "url";
  /** Whether the page is made anew, whatever is stored. */
  readonly isForced: boolean;
  /** Replaces the building of keys. */
  readonly makeKey: AnyFunction | undefined;
}

/** A request that a stored page may answer. */
export interface Visit extends Arrival {
  readonly demand: Demand;
  /** What the page itself is stored under; its variants have longer keys. */
  readonly question: Question;
  /** The names that the page goes by. */
  readonly names: readonly string[];
  /** What of the request is part of the key beyond its URL. */
  readonly covered: readonly string[];
}

/** What a request is, from its method, its fields and its URL. */
export function arrivalOf(
  plan: PagePlan,
  ctx: Context,
  given: Pick<Arrival, "handle" | "isForced" | "makeKey">,
): Arrival {
  // A copy: what a middleware beneath does to the fields is not what the client asked for.
  const request = { method: ctx.method, fields: { ...requestFields(ctx.req) } };
  const approach = isBounded(addressOf(ctx)) ? approachTo(request) : "url";
  const { handle, isForced, makeKey } = given;
  return { plan, ctx, handle, request, approach, isForced, makeKey };
}

/** Finds the key of a request. */
export async function visitOf(arrival: Arrival, isForced: boolean): Promise<Visit> {
  const { plan, ctx, handle, request, approach, makeKey } = arrival;
  const { key, names, covered } = await pageIdentity(arrival);
  return {
    plan,
    ctx,
    handle,
    request,
    approach,
    isForced,
    makeKey,
    demand: demandOf(request.fields, plan.policy.obeyClient),
    question: questionFor(arrival, key, names),
    names,
    covered,
  };
}

/** The key of a page with the names that it goes by. */
interface Identity {
  readonly key: string;
  readonly names: readonly string[];
  readonly covered: readonly string[];
}

async function pageIdentity(arrival: Pick<Arrival, "plan" | "ctx" | "makeKey">): Promise<Identity> {
  const { plan, ctx, makeKey } = arrival;
  if (makeKey !== undefined) {
    // It is the whole key, to which no values are added: so it covers nothing that was read.
    const { name } = await calledName(plan, ctx, makeKey);
    return { key: name, names: [name], covered: [] };
  }
  const { name, values, covered } = await nameFor(plan, ctx);
  const full = plan.owner === undefined ? name : `${name} ${plan.owner}`;
  return {
    key: pageKey({ name: full, values }, addressOf(ctx), plan.query),
    names: pageNames(name, ctx.originalUrl, plan.query),
    covered,
  };
}

/** The name of a page in the request at hand. */
export async function pageName(plan: PagePlan): Promise<string> {
  return (await nameFor(plan, currentContext())).name;
}

interface Named extends KeyName {
  readonly covered: readonly string[];
}

async function nameFor(plan: PagePlan, ctx: Context): Promise<Named> {
  const { keyPrefix } = plan;
  if (typeof keyPrefix === "function") return calledName(plan, ctx, keyPrefix);
  const name = keyPrefix.replaceAll("%s", () => pathOf(ctx.originalUrl));
  return { name, values: "", covered: [] };
}

/** The values of what a callable reads are part of the key, whatever it makes of them. */
async function calledName(plan: PagePlan, ctx: Context, make: AnyFunction): Promise<Named> {
  const watch = watchInputs(ctx);
  try {
    const name: unknown = await make(ctx);
    watch.end();
    if (typeof name === "string" && name !== "") {
      const { text, covered } = readValues(watch.reads, ctx);
      return { name, values: text, covered };
    }
    throw new OptionError(
      `keyPrefix of ${plan.name} must give a non-empty text; got ${show(name)}.`,
    );
  } finally {
    watch.end();
  }
}

function questionFor({ plan, ctx }: Arrival, key: string, names: readonly string[]): Question {
  const { rules, name, counts } = plan;
  return {
    key,
    check: PAGE,
    owner: undefined,
    tags: [...new Set([ROOT, ...pathTags(addressOf(ctx)), ...names.map(nameTag), ...rules.tags])],
    name,
    counts,
    rules,
    call: { self: undefined, args: [ctx] },
    shortcut: undefined,
  };
}
