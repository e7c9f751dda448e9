// One run of the handlers of a page: its state, and what is asked of it on the way.
import type { Lead } from "../claims.js";
import type { CacheStatus, Forward } from "./cache-status.js";
import { fieldText, type Fields, type ResponseFacts } from "./fields.js";
import { HiddenVary } from "./hidden-vary.js";
import { uncovered, watchInputs, type Input, type InputWatch } from "./inputs.js";
import { lifetimesOf } from "./keep-page.js";
import { isFor, tell, tellVary } from "./page-answer.js";
import { judgeResponse, type Storable } from "./policy.js";
import { resetResponse } from "./replay.js";
import { isPage } from "./checked-page.js";
import { fieldsOf, makePage, type Head, type Page, type Whole } from "./snapshot.js";
import type { NotStored } from "./storability.js";
import { isDevelopment } from "./unkeyed.js";
import { CONDITIONAL_FIELDS, conditionsFor, isUnmodified } from "./validation.js";
import type { Selection } from "./variants.js";
import type { Visit } from "./visit.js";

/** What a leading request has to go by. */
export interface Leadership {
  readonly visit: Visit;
  readonly selection: Selection;
  readonly lead: Lead;
  readonly fwd: Forward;
  /** Whether the handlers may be asked if the stored page still holds. */
  readonly validates: boolean;
  /** Whether no client waits for the answer. */
  readonly isBackground: boolean;
  /** Gives the page to who needs it even where it cannot be stored. */
  readonly deliver: ((page: Page) => void) | undefined;
}

/** How a run ended. `again`: the handlers said that a page holds which nobody has. */
export type Ended = "done" | "again";

/** A run under way. */
export interface Run extends Leadership {
  /** The fields that were set before the handlers ran. */
  readonly before: Fields;
  readonly vary: HiddenVary;
  readonly watch: InputWatch;
  readonly requestedAt: number;
  /** On the monotonic clock. */
  readonly started: number;
  /** The invalidation count when it began. */
  readonly epoch: number;
  /** What of the request is part of the key. */
  readonly covered: ReadonlySet<string>;
  /** The page that is past its time, if the request may have it. */
  readonly stored: Page | undefined;
  /** By what the handlers are asked if it still holds. */
  readonly conditions: Fields | undefined;
}

const HIDDEN: Readonly<Record<string, undefined>> = Object.fromEntries(
  CONDITIONAL_FIELDS.map((name) => [name, undefined]),
);

/** Prepares a context for its handlers. */
export function beginRun(leadership: Leadership): Run {
  const { visit, selection, lead, fwd, validates, isBackground, deliver } = leadership;
  const { plan, ctx } = visit;
  const stored = storedPage(leadership);
  const conditions =
    validates && stored !== undefined ? conditionsFor(ownFields(stored)) : undefined;
  const covered = new Set([...visit.covered, ...selection.variant.names]);
  if (plan.uncacheable.has(visit.question.key)) lead.free();
  const vary = new HiddenVary(ctx);
  return {
    visit,
    selection,
    lead,
    fwd,
    validates,
    isBackground,
    deliver,
    before: fieldsOf(ctx),
    vary,
    watch: watchInputs(ctx, {
      fields: conditions === undefined ? HIDDEN : { ...HIDDEN, ...conditions },
      places: isDevelopment(ctx),
      // Nobody waits for what will not be shared.
      onRead: (input) => {
        if (uncovered(new Map([[input, undefined]]), covered).length > 0) lead.free();
      },
    }),
    requestedAt: Date.now(),
    started: performance.now(),
    epoch: plan.engine.lookup.versions.epoch,
    covered,
    stored,
    conditions: conditions as Fields | undefined,
  };
}

function storedPage({ visit, lead }: Leadership): Page | undefined {
  const spare: unknown = lead.spare?.held.give();
  return isPage(spare) && isFor(visit, spare) ? spare : undefined;
}

/** The fields that the handlers set: a tag that was made here means nothing to them. */
export function ownFields({ added, fields }: Pick<Page, "added" | "fields">): Fields {
  return Object.fromEntries([...added, ...fields]);
}

/** The response of a run, as it is judged. */
export function factsOf({ requestedAt, vary }: Run, { status, fields: own }: Head): ResponseFacts {
  const fields = { ...own, vary: vary.unitedWith(own["vary"]) };
  return { status, fields, requestedAt, receivedAt: Date.now() };
}

/** The page that a run has made, complete with its body. */
export function pageOf(
  { watch }: Run,
  { head, bytes, response }: Omit<Whole, "userless">,
  judged: Storable,
): Page | NotStored {
  return makePage({ head, bytes, response, userless: watch.isStateListed }, judged);
}

/** Whether a response may be stored. */
export function judge(
  { visit }: Run,
  response: ResponseFacts,
  timeout: number | undefined,
): Storable | NotStored {
  const { request, demand, plan } = visit;
  if (demand.noStore) return "no-store";
  return judgeResponse(request, response, plan.policy, lifetimesOf(visit, timeout));
}

/** What was read that neither the key nor the response's own `Vary` covers. */
export function unkeyed({ watch, covered }: Run, vary: readonly string[]): readonly Input[] {
  return uncovered(watch.reads, new Set([...covered, ...vary]));
}

/** Back to before the handlers ran. */
export function reset({ visit, before, vary }: Run): void {
  resetResponse(visit.ctx, { ...before, vary: vary.outer });
}

/** Counts a miss; what runs in the background is none. */
export function countMiss({ visit, started, isBackground }: Run): void {
  if (isBackground) return;
  const duration = (performance.now() - started) / 1000;
  visit.plan.engine.lookup.teller.miss(visit.question, { duration });
}

/** Says what was done, and answers the client's own condition, which the handlers did not see. */
export function tellRun({ visit, fwd }: Run, status: CacheStatus, head: Head | undefined): void {
  const { ctx } = visit;
  tellVary(visit);
  tell(ctx, { fwd, ...status });
  if (head !== undefined && !ctx.headerSent && isKnown(visit, head)) ctx.status = 304;
}

function isKnown({ ctx, request }: Visit, head: Head): boolean {
  const etag = ctx.res.getHeader("etag");
  const fields = { ...head.fields, etag: etag === undefined ? undefined : String(etag) };
  const hasValidator = etag !== undefined || fieldText(fields, "last-modified") !== undefined;
  const { status } = head;
  return hasValidator && isUnmodified(request.fields, { status, fields, receivedAt: Date.now() });
}
