// Answers from memory without asking the engine, where an earlier hit left its page within reach.
import type { Context } from "koa";
import { currentScope } from "../computations.js";
import type { Entry } from "../entry.js";
import { approachTo, demandOf } from "./demand.js";
import { HeldPage } from "./held-page.js";
import { isOutermost } from "./middlewares.js";
import { mayHave, serveHit, standingOf } from "./page-answer.js";
import type { PagePlan } from "./page-options.js";
import { requestFields } from "./request-headers.js";
import { isVariantIndex, unitedNames, variantText } from "./vary.js";

/** Longer URLs are rare, and the places are not counted by the memory store. */
const LONGEST_PLACE = 512;

/** Answers a request, if that takes no waiting; tells whether it did. */
export function answerQuickly(plan: PagePlan, ctx: Context): boolean {
  const { engine, table, policy } = plan;
  if (table.size === 0 || ctx.req.method !== "GET") return false;
  const { lookup } = engine;
  const first = current(plan, table.get(placeOf(ctx)));
  if (first === undefined) return false;
  const request = { method: "GET", fields: requestFields(ctx.req) };
  if (approachTo(request) !== "lookup") return false;
  const entry = first.held instanceof HeldPage ? first : variantIn(plan, first, request.fields);
  if (!(entry?.held instanceof HeldPage)) return false;
  const { page } = entry.held;
  const demand = demandOf(request.fields, policy.obeyClient);
  const standing = standingOf(page);
  if (!mayHave({ request, ctx, demand }, page, false, standing)) return false;
  plan.counts.hits += 1;
  const scope = currentScope();
  scope?.carry(entry.carried, lookup.versions);
  lookup.teller.hit(plan.name, entry);
  const isAlone = scope === undefined && isOutermost(ctx.app, plan);
  serveHit({ ctx, plan, request }, page, { standing, isAlone });
  return true;
}

/** An entry that holds and is fresh. */
function current({ engine }: PagePlan, entry: Entry | undefined): Entry | undefined {
  return entry !== undefined && engine.lookup.isCurrent(entry) ? entry : undefined;
}

function variantIn(
  plan: PagePlan,
  { key, held }: Entry,
  fields: Parameters<typeof variantText>[1],
): Entry | undefined {
  const index: unknown = held.give();
  if (!isVariantIndex(index)) return undefined;
  const text = variantText(unitedNames(plan.policy.vary, index.names), fields);
  return text === undefined ? undefined : current(plan, plan.table.get(`${key}${index.id}${text}`));
}

/**
 * What tells apart all that the key of a page depends on. No field and no request target holds a
 * line break; a URL that was rewritten may, and stands last.
 */
function placeOf(ctx: Context): string {
  const { originalUrl } = ctx;
  // Not through the context, whose accessors pass on by name.
  const { protocol, host, url } = ctx.request;
  return originalUrl === url
    ? `${protocol}\n${host}\n${url}`
    : `${protocol}\n${host}\n${originalUrl}\n${url}`;
}

/** Whether no callable has to be asked before a hit. */
export function isQuick({ engine, rules, keyPrefix }: PagePlan): boolean {
  return (
    engine.lookup.local !== undefined &&
    typeof keyPrefix === "string" &&
    rules.unless === undefined &&
    rules.forcedUpdate === undefined &&
    rules.isStale === undefined &&
    rules.earlyRefresh === 0
  );
}

/** What a hit found, with the invalidation count before it was looked for. */
export interface Reached {
  readonly index: Entry | undefined;
  readonly entry: Entry;
  readonly epoch: number;
}

/** Leaves what a hit found within reach. */
export function reach(plan: PagePlan, ctx: Context, { index, entry, epoch }: Reached): void {
  put(plan, entry, index === undefined ? placeOf(ctx) : entry.key, epoch);
  if (index !== undefined) put(plan, index, placeOf(ctx), epoch);
}

function put({ table }: PagePlan, entry: Entry, place: string, epoch: number): void {
  if (!entry.alive || place.length > LONGEST_PLACE) return;
  entry.epoch = epoch;
  if (entry.table !== undefined) return;
  entry.table = table;
  entry.place = place;
  table.set(place, entry);
}
