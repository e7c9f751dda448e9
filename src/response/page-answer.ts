// Answers a request with a stored page, and says in Cache-Status what was done.
import type { Context } from "koa";
import { cacheStatusMember, hitMember, withMember, type CacheStatus } from "./cache-status.js";
import { isAccepted, type Standing } from "./demand.js";
import { isToken, listMembers, type Fields, type FieldValue } from "./fields.js";
import { replay, replayNotModified, type Replaying } from "./replay.js";
import { pageFields, type Page } from "./snapshot.js";
import { isUnmodified } from "./validation.js";
import { varyField } from "./vary.js";
import type { Visit } from "./visit.js";

/** A stored page at this moment. */
export function standingOf({ receivedAt, initialAge, fresh, mayBeStale }: Page): Standing {
  const resident = Math.max(0, Date.now() - receivedAt);
  return { age: initialAge + resident, left: fresh - resident, mayBeStale };
}

/** Whether a page is for whom the request comes from (RFC 9111, section 3.5). */
export function isFor({ request, ctx }: Pick<Visit, "request" | "ctx">, page: Page): boolean {
  const mayRead = request.fields["authorization"] === undefined || page.authorized;
  return (
    mayRead && !(page.userless && (Object(ctx.state) as { user?: unknown }).user !== undefined)
  );
}

/**
 * Whether a request may be answered by a page.
 *
 * @param isRevalidated whether a newer page is being asked for, so that this one may be stale
 */
export function mayHave(
  visit: Pick<Visit, "request" | "ctx" | "demand">,
  page: Page,
  isRevalidated: boolean,
  standing: Standing = standingOf(page),
): boolean {
  const { demand } = visit;
  if (!isFor(visit, page)) return false;
  if (isAccepted(demand, standing)) return true;
  const { reload, maxAge, minFresh } = demand;
  const says = reload || maxAge !== undefined || minFresh !== undefined;
  return isRevalidated && !says;
}

/** Whether a page may be served because a newer one cannot be had. */
export function mayStandIn(visit: Visit, page: Page): boolean {
  const { demand } = visit;
  if (!isFor(visit, page)) return false;
  const { left, mayBeStale } = standingOf(page);
  const wanted = mayBeStale && -left < (demand.staleIfError ?? 0);
  return left > 0 || Date.now() - page.receivedAt < page.ifError || wanted;
}

/** What serving a page needs of a request. */
type Served = Pick<Visit, "ctx" | "plan" | "request">;

/** What is known of a hit already. */
interface Known {
  readonly standing: Standing;
  /** Whether nobody looks at the response before Koa sends it. */
  readonly isAlone: boolean;
}

/** Answers with a page that was stored, or with 304 if the client has it. */
export function serveHit(visit: Served, page: Page, known?: Known): void {
  const { standing, isAlone } = known ?? { standing: standingOf(page), isAlone: false };
  give(visit, page, { age: standing.age, isAlone });
  addMember(visit.ctx, hitMember(standing.left));
}

/** The same with a page that handlers were run for. */
export function serve(visit: Served, page: Page, status: CacheStatus): void {
  const { age, left } = standingOf(page);
  give(visit, page, { age, isAlone: false });
  tell(visit.ctx, { ttl: left, ...status });
}

function give(visit: Served, page: Page, how: Replaying): void {
  if (isKnown(visit.request.fields, page)) replayNotModified(visit.ctx, page, how);
  else replay(visit.ctx, page, how);
  tellVary(visit);
}

/** Whether the client has the page already. */
function isKnown(request: Fields, page: Page): boolean {
  const { "if-none-match": tags, "if-modified-since": since } = request;
  if (tags === undefined && since === undefined) return false;
  const { status, receivedAt } = page;
  return isUnmodified(request, { status, fields: pageFields(page), receivedAt });
}

/** Names the fields that the key depends on by option. */
export function tellVary({ ctx, plan }: Pick<Visit, "ctx" | "plan">): void {
  const { vary } = plan.policy;
  if (vary.length > 0 && !ctx.res.headersSent) ctx.vary([...varyField(vary)]);
}

/** Adds to `Vary`, whatever stands there and whatever is added. */
export function addVary(ctx: Context, value: FieldValue): void {
  const text = [value ?? ""].flat().map(String).join(", ");
  const names = listMembers(text);
  const before = ctx.res.getHeader("vary");
  if (names.every(isToken)) ctx.vary([...names]);
  else ctx.res.setHeader("vary", before === undefined ? text : `${String(before)}, ${text}`);
}

/** Adds to `Cache-Status`. */
export function tell(ctx: Context, status: CacheStatus): void {
  addMember(ctx, cacheStatusMember(status));
}

function addMember({ res }: Context, member: string): void {
  if (res.headersSent) return;
  const before = res.getHeader("cache-status");
  res.setHeader(
    "cache-status",
    withMember(before === undefined ? undefined : String(before), member),
  );
}

/** The same for a request that ends in an error: Koa sends the fields of the error alone. */
export function tellError(ctx: Context, error: unknown, status: CacheStatus): void {
  tell(ctx, status);
  if (!(error instanceof Error) || !Object.isExtensible(error)) return;
  const failed = error as Error & { headers?: Record<string, unknown> };
  const told = ctx.res.getHeader("cache-status");
  if (told !== undefined) failed.headers = { ...failed.headers, "cache-status": told };
}

/** The status that Koa will answer an error with. */
export function statusOf(error: unknown): number {
  const { status, statusCode } = Object(error) as { status?: unknown; statusCode?: unknown };
  const given = status ?? statusCode;
  return typeof given === "number" && given >= 400 && given <= 599 ? given : 500;
}

/** RFC 5861, section 4: which statuses are the errors that an older page may stand in for. */
export function isFailure(status: number): boolean {
  return status === 500 || status === 502 || status === 503 || status === 504;
}
