// Runs the handlers of a page as the one whose response may be stored.
import type { Lead } from "../claims.js";
import { currentScope } from "../computations.js";
import { isFlowing } from "./body.js";
import type { CacheStatus, Forward } from "./cache-status.js";
import { fieldText, listMembers, type Fields, type FieldValue, type ResponseFacts } from "./fields.js";
import { freshened } from "./freshen.js";
import { HeldPage } from "./held-page.js";
import { uncovered, watchInputs, type Input, type InputWatch } from "./inputs.js";
import { askAbout, keepPage, lifetimesOf, likelyTimeout } from "./keep-page.js";
import {
  addVary,
  isFailure,
  isFor,
  mayStandIn,
  serve,
  standingOf,
  statusOf,
  tell,
  tellError,
  tellVary,
} from "./page-answer.js";
import { judgeResponse, type Storable } from "./policy.js";
import { resetResponse } from "./replay.js";
import { fieldsOf, isPage, makePage, settledBytes, takeHead, type Head, type Page } from "./snapshot.js";
import type { NotStored } from "./storability.js";
import { isClientGone } from "./stream-tee.js";
import { tee } from "./tee.js";
import { isDevelopment, tellUnkeyed } from "./unkeyed.js";
import { CONDITIONAL_FIELDS, conditionsFor, freshens, isUnmodified } from "./validation.js";
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
  readonly deliver?: ((page: Page) => void) | undefined;
}

/** How a run of the handlers ended. `again`: they said that a page holds which nobody has. */
export type Ended = "done" | "again";

/** Runs the handlers and stores what may be stored. */
export async function leadPage(leadership: Leadership): Promise<Ended> {
  const { visit, lead } = leadership;
  const { engine } = visit.plan;
  const outer = currentScope();
  outer?.waits.add(lead.scope);
  try {
    return await new Run(leadership).run();
  } finally {
    outer?.waits.delete(lead.scope);
    outer?.carry(lead.scope.carried, engine.lookup.versions);
  }
}

const HIDDEN: Readonly<Record<string, undefined>> = Object.fromEntries(
  CONDITIONAL_FIELDS.map((name) => [name, undefined]),
);

/** One run of the handlers. */
class Run {
  readonly #leadership: Leadership;
  readonly #visit: Visit;
  readonly #lead: Lead;
  readonly #before: Fields;
  /** `Vary` as it was set outside: hidden, so that what the handlers add to it is seen. */
  readonly #outerVary: FieldValue;
  readonly #watch: InputWatch;
  readonly #requestedAt = Date.now();
  readonly #started = performance.now();
  readonly #epoch: number;
  readonly #covered: ReadonlySet<string>;
  readonly #stored: Page | undefined;
  readonly #conditions: Readonly<Record<string, string>> | undefined;
  #uncover: (() => void) | undefined;

  constructor(leadership: Leadership) {
    const { visit, selection, lead, validates } = leadership;
    const { plan, ctx, covered } = visit;
    this.#leadership = leadership;
    this.#visit = visit;
    this.#lead = lead;
    this.#epoch = plan.engine.lookup.versions.epoch;
    this.#covered = new Set([...covered, ...selection.variant.names]);
    const spare: unknown = lead.spare?.held.give();
    this.#stored = isPage(spare) && isFor(visit, spare) ? spare : undefined;
    const asked = validates && this.#stored !== undefined;
    this.#conditions = asked ? { ...conditionsFor(ownFields(this.#stored!)) } : undefined;
    this.#outerVary = ctx.res.getHeader("vary");
    if (this.#outerVary !== undefined && !ctx.headerSent) this.#hideVary();
    this.#before = fieldsOf(ctx);
    this.#watch = watchInputs(ctx, {
      fields: { ...HIDDEN, ...this.#conditions },
      places: isDevelopment(),
      onRead: (input) => this.#noticed(input),
    });
    if (plan.uncacheable.has(visit.question.key)) lead.free();
  }

  async run(): Promise<Ended> {
    try {
      await this.#lead.run(this.#visit.handle);
    } catch (error) {
      this.#showVary();
      return this.#failed(error);
    }
    try {
      return await this.#answered();
    } catch (error) {
      this.#watch.end();
      this.#lead.release();
      throw error;
    }
  }

  /** Nobody waits for what will not be shared. */
  #noticed(input: Input): void {
    if (uncovered(new Map([[input, undefined]]), this.#covered).length > 0) this.#lead.free();
  }

  async #answered(): Promise<Ended> {
    const { ctx, request } = this.#visit;
    const isTaken = Object.getOwnPropertyDescriptor(ctx, "respond")?.value === false;
    const head = isTaken || ctx.headerSent ? undefined : takeHead(ctx, this.#before);
    this.#showVary();
    if (head === undefined) return this.#refuse("responded");
    if (ctx.method !== request.method) return this.#refuse("method");
    if (head.status === 304 && this.#conditions !== undefined) return this.#notModified(head);
    if (isFailure(head.status) && this.#standIn(head.status, undefined)) return "done";
    const response = this.#facts(head);
    const judged = this.#judge(response, likelyTimeout(this.#visit));
    if (typeof judged === "string") return this.#refuse(judged, head);
    if (this.#unkeyed(judged).length > 0) return this.#refuse("unkeyed", head);
    if (isFlowing(head.kind)) this.#flow(head, response, judged);
    else await this.#settle(head, response, judged);
    return "done";
  }

  /** Until the handlers are done, or send the head themselves. */
  #hideVary(): void {
    const { res } = this.#visit.ctx;
    res.removeHeader("vary");
    const { writeHead } = res;
    res.writeHead = (...args: unknown[]) => {
      this.#showVary();
      return Reflect.apply(writeHead, res, args) as typeof res;
    };
    this.#uncover = () => {
      res.writeHead = writeHead;
      this.#uncover = undefined;
    };
  }

  #showVary(): void {
    const { ctx } = this.#visit;
    if (this.#outerVary === undefined || this.#uncover === undefined) return;
    this.#uncover();
    if (ctx.headerSent) return;
    const own = ctx.res.getHeader("vary");
    ctx.res.setHeader("vary", this.#outerVary);
    if (own !== undefined) addVary(ctx, own);
  }

  /** Back to before the handlers ran. */
  #reset(): void {
    const { ctx } = this.#visit;
    resetResponse(ctx, { ...this.#before, vary: this.#outerVary });
  }

  #facts({ status, fields: own }: Head): ResponseFacts {
    const fields = { ...own, vary: unitedVary(own["vary"], this.#outerVary) };
    return { status, fields, requestedAt: this.#requestedAt, receivedAt: Date.now() };
  }

  #judge(response: ResponseFacts, timeout: number | undefined): Storable | NotStored {
    const { request, demand, plan } = this.#visit;
    if (demand.noStore) return "no-store";
    return judgeResponse(request, response, plan.policy, lifetimesOf(this.#visit, timeout));
  }

  #unkeyed({ vary }: Pick<Storable, "vary">): readonly Input[] {
    return uncovered(this.#watch.reads, new Set([...this.#covered, ...vary]));
  }

  /** The response is this client's alone. */
  #refuse(reason: NotStored, head?: Head): Ended {
    const { plan, question, ctx } = this.#visit;
    this.#watch.end();
    this.#lead.release();
    // What fails or belongs to one client's credentials says nothing of the next one.
    const isOdd = reason === "authorization" || reason === "responded" || ctx.status >= 500;
    if (!isOdd) plan.uncacheable.add(question.key);
    const inputs = reason === "unkeyed" ? this.#unkeyed({ vary: [] }) : [];
    if (inputs.length > 0) tellUnkeyed(this.#visit, inputs, this.#watch.reads);
    if (head !== undefined) this.#deliverRefused(head);
    this.#missed();
    const detail = inputs.length > 0 ? `${reason}: ${inputs.join(", ")}` : reason;
    this.#tell({ detail }, head);
    return "done";
  }

  #deliverRefused(head: Head): void {
    const { deliver } = this.#leadership;
    if (deliver === undefined || isFlowing(head.kind)) return;
    const bytes = settledBytes(head, this.#visit.ctx.body, Infinity);
    if (typeof bytes === "string") return;
    const page = makePage({ head, bytes, response: this.#facts(head) }, NOT_JUDGED);
    if (typeof page !== "string") deliver(page);
  }

  async #settle(head: Head, response: ResponseFacts, judged: Storable): Promise<void> {
    const { ctx, plan } = this.#visit;
    const bytes = settledBytes(head, ctx.body, plan.policy.maxBytes);
    const page = typeof bytes === "string" ? bytes : makePage({ head, bytes, response }, judged);
    this.#watch.end();
    if (typeof page === "string") {
      this.#refuse(page, head);
      return;
    }
    this.#leadership.deliver?.(page);
    const reason = await this.#keep(page, response);
    this.#missed();
    if (page.etag !== undefined && reason === undefined) ctx.set("ETag", page.etag);
    this.#tell(
      reason === undefined
        ? { stored: true, ttl: standingOf(page).left }
        : { detail: reason },
      head,
    );
  }

  /** Stores a page; gives the reason where it is not stored. */
  async #keep(page: Page, response: ResponseFacts): Promise<string | undefined> {
    const { plan, question } = this.#visit;
    const { selection } = this.#leadership;
    const { isWanted, timeout, tags } = await askAbout(this.#visit, page);
    const judged = isWanted ? this.#judge(response, timeout) : "unwanted";
    if (typeof judged === "string") {
      this.#lead.release();
      return judged;
    }
    const { windows, vary } = judged;
    Object.assign(page, { fresh: windows.fresh, ifError: windows.ifError });
    const kept = { page, windows, vary, tags };
    const isStored = await keepPage(this.#visit, selection, this.#lead, kept);
    if (isStored) plan.uncacheable.delete(question.key);
    return isStored ? undefined : "outdated";
  }

  /** The body flows on to the client while it is collected. */
  #flow(head: Head, response: ResponseFacts, judged: Storable): void {
    const { ctx, plan, question } = this.#visit;
    const lead = this.#lead;
    const flowing = lead.run(() =>
      tee(head.kind, ctx.body, {
        maxBytes: plan.policy.maxBytes,
        isGone: () => isClientGone(ctx.res),
        isAwaited: () => lead.isAwaited,
      }),
    );
    replaceBody(this.#visit, flowing.body);
    this.#watch.release(() => {
      const scope = currentScope();
      return scope === undefined || !lead.scope.reaches(scope);
    });
    const outer = currentScope();
    const { lookup } = plan.engine;
    lookup.inBackground(question, async () => {
      try {
        const bytes = await flowing.collected;
        if (typeof bytes !== "string") await this.#collected(bytes, head, response, judged);
      } finally {
        this.#watch.end();
        lead.release();
        outer?.carry(lead.scope.carried, lookup.versions);
      }
    });
    this.#missed();
    this.#tell({ stored: true, ttl: judged.windows.fresh }, head);
  }

  async #collected(
    bytes: Uint8Array,
    head: Head,
    response: ResponseFacts,
    judged: Storable,
  ): Promise<void> {
    this.#watch.end();
    const { plan, question } = this.#visit;
    const inputs = this.#unkeyed(judged);
    if (inputs.length > 0) {
      plan.uncacheable.add(question.key);
      tellUnkeyed(this.#visit, inputs, this.#watch.reads);
      return;
    }
    const page = makePage({ head, bytes, response }, judged);
    if (typeof page === "string") return;
    this.#leadership.deliver?.(page);
    await this.#keep(page, response);
  }

  /** The handlers say that the stored page still holds. */
  async #notModified(head: Head): Promise<Ended> {
    const { request, plan } = this.#visit;
    const stored = this.#stored!;
    this.#watch.end();
    const sent = Object.fromEntries([...head.changes.added, ...head.changes.set]);
    if (!freshens(sent, ownFields(stored))) {
      this.#reset();
      return "again";
    }
    const { changes } = head;
    const newer = { changes, requestedAt: this.#requestedAt, receivedAt: Date.now() };
    const lifetimes = lifetimesOf(this.#visit, (await askAbout(this.#visit, stored)).timeout);
    const { page, judged } = freshened(stored, newer, { request, policy: plan.policy, lifetimes });
    const refusal = this.#unkeyed({ vary: [] }).length > 0 ? "unkeyed" : judged;
    let reason: string | undefined;
    if (typeof refusal === "string") {
      this.#lead.release();
      await plan.engine.lookup.store.remove([this.#leadership.selection.question.key]);
      reason = refusal;
    } else {
      reason = await this.#keep(page, { ...newer, status: page.status, fields: Object.fromEntries([...page.added, ...page.fields]) });
    }
    this.#missed();
    this.#reset();
    serve(this.#visit, page, {
      fwd: this.#leadership.fwd,
      fwdStatus: 304,
      ...(reason === undefined ? { stored: true } : { detail: reason }),
    });
    return "done";
  }

  #failed(error: unknown): Ended {
    const status = statusOf(error);
    if (isFailure(status) && this.#standIn(status, error)) return "done";
    this.#watch.end();
    this.#missed();
    // Others meet the same failure of the server; what is refused to one client is his own.
    if (status >= 500) this.#lead.fail(error);
    else this.#lead.release();
    const { plan, question } = this.#visit;
    if (this.#leadership.isBackground) plan.engine.lookup.teller.error(question, error);
    tellError(this.#visit.ctx, error, { fwd: this.#leadership.fwd, fwdStatus: status });
    throw error;
  }

  /** Serves the stored page in place of a failure, if it is good for that. */
  #standIn(status: number, error: unknown): boolean {
    const { ctx, plan } = this.#visit;
    const { spare } = this.#lead;
    const { lookup } = plan.engine;
    const page = this.#stored;
    if (page === undefined || spare === undefined || this.#leadership.isBackground) return false;
    if (!mayStandIn(this.#visit, page)) return false;
    const tags = spare.carried.map(({ tag }) => tag);
    if (ctx.headerSent || lookup.versions.invalidatedSince(tags, this.#epoch)) return false;
    this.#watch.end();
    const held = new HeldPage(page, this.#leadership.selection.variant);
    this.#lead.release({ held, carried: spare.carried });
    currentScope()?.carry(spare.carried, lookup.versions);
    lookup.teller.stale(this.#visit.question, spare, error ?? new Error(`The handlers answered ${status}.`));
    this.#reset();
    serve(this.#visit, page, { fwd: "stale", fwdStatus: status });
    return true;
  }

  #missed(): void {
    const { plan, question } = this.#visit;
    if (this.#leadership.isBackground) return;
    const duration = (performance.now() - this.#started) / 1000;
    plan.engine.lookup.teller.miss(question, { duration });
  }

  /** Says what was done, and answers the client's own condition, which the handlers did not see. */
  #tell(status: CacheStatus, head: Head | undefined): void {
    const { ctx, request } = this.#visit;
    tellVary(this.#visit);
    tell(ctx, { fwd: this.#leadership.fwd, ...status });
    if (head === undefined || ctx.headerSent || request.method !== "GET") return;
    const etag = ctx.res.getHeader("etag");
    const fields = { ...head.fields, ...(etag === undefined ? {} : { etag: String(etag) }) };
    const hasValidator = etag !== undefined || fieldText(fields, "last-modified") !== undefined;
    const validated = { status: head.status, fields, receivedAt: Date.now() };
    if (hasValidator && isUnmodified(request.fields, validated)) ctx.status = 304;
  }
}

/** What middleware outside does by these to a response says nothing of what the handlers get. */
const OF_OUTSIDE: ReadonlySet<string> = new Set(["origin", "accept-encoding"]);

/** All that a response varies on: what was set outside may have been for the handlers to see. */
function unitedVary(own: FieldValue, outer: FieldValue): FieldValue {
  const names = [outer ?? ""].flat().flatMap((text) => listMembers(String(text)));
  const counting = names.filter((name) => !OF_OUTSIDE.has(name.toLowerCase()));
  return counting.length === 0 ? own : [own ?? [], counting].flat().map(String);
}

/** A response that is given to one client as it is. */
const NOT_JUDGED: Storable = {
  windows: { fresh: 0, whileRevalidating: 0, ifError: 0, revalidatable: 0 },
  authorized: true,
  mayBeStale: false,
  vary: [],
  unstored: new Set(),
};

/** The fields that the handlers set: a tag that was made here means nothing to them. */
function ownFields({ added, fields }: Page): Fields {
  return Object.fromEntries([...added, ...fields]);
}

/** Sets another stream as body, and the fields that Koa changes by that as they were. */
function replaceBody({ ctx }: Visit, body: unknown): void {
  const length = ctx.res.getHeader("content-length");
  const type = ctx.res.getHeader("content-type");
  const { status, message } = ctx;
  ctx.body = body;
  if (length !== undefined) ctx.res.setHeader("content-length", length);
  if (type !== undefined) ctx.res.setHeader("content-type", type);
  if (ctx.status !== status) ctx.status = status;
  if (ctx.req.httpVersionMajor < 2 && ctx.message !== message) ctx.message = message;
}
