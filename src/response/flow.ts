// Stores a response whose body flows on to the client while it is collected.
import { currentScope } from "../computations.js";
import { keep } from "./conclude.js";
import type { ResponseFacts } from "./fields.js";
import { freeAfterPatience } from "./patience.js";
import type { Storable } from "./policy.js";
import { countMiss, pageOf, tellRun, unkeyed, type Run } from "./run.js";
import { messageOf, type Head } from "./snapshot.js";
import { isClientGone, type Tee } from "./stream-tee.js";
import { tee } from "./tee.js";
import { tellUnkeyed } from "./unkeyed.js";
import type { Visit } from "./visit.js";

/** A response whose head was judged. */
export interface Flowing {
  readonly head: Head;
  readonly response: ResponseFacts;
  readonly judged: Storable;
}

/** Sends the body on, and stores the response when it is whole. */
export function flow(run: Run, flowing: Flowing): void {
  const { visit, lead } = run;
  const { ctx, plan } = visit;
  // In the scope of the computation: what is read while the body is made counts, too.
  const teed = lead.run(() =>
    tee(flowing.head.kind, ctx.body, {
      maxBytes: plan.policy.maxBytes,
      isGone: () => isClientGone(ctx.res),
      isAwaited: () => lead.isAwaited,
    }),
  );
  replaceBody(visit, teed.body);
  run.watch.release(() => {
    const scope = currentScope();
    return scope === undefined || !lead.scope.reaches(scope);
  });
  collect(run, flowing, teed);
  countMiss(run);
  tellRun(run, { stored: true, ttl: flowing.judged.windows.fresh }, flowing.head);
}

function collect(run: Run, flowing: Flowing, { collected }: Tee): void {
  const { visit, lead } = run;
  const { lookup } = visit.plan.engine;
  const outer = currentScope();
  const endPatience = freeAfterPatience(lead);
  lookup.inBackground(visit.question, async () => {
    try {
      const bytes = await collected;
      run.watch.end();
      if (typeof bytes !== "string") await keepWhole(run, flowing, bytes);
    } finally {
      endPatience();
      run.watch.end();
      lead.release();
      outer?.carry(lead.scope.carried, lookup.versions);
    }
  });
}

async function keepWhole(
  run: Run,
  { head, response, judged }: Flowing,
  bytes: Uint8Array,
): Promise<void> {
  const { plan, question } = run.visit;
  const inputs = unkeyed(run, judged.vary);
  if (inputs.length > 0) {
    plan.uncacheable.add(question.key);
    tellUnkeyed(run.visit, inputs, run.watch.reads);
    return;
  }
  const page = pageOf(run, { head, bytes, response }, judged);
  if (typeof page === "string") return;
  run.deliver?.(page);
  await keep(run, page, response);
}

/** Sets another stream as body, and the fields that Koa changes by that as they were. */
function replaceBody({ ctx }: Visit, body: unknown): void {
  const length = ctx.res.getHeader("content-length");
  const type = ctx.res.getHeader("content-type");
  const { status } = ctx;
  const message = messageOf(ctx);
  ctx.body = body;
  if (length !== undefined) ctx.res.setHeader("content-length", length);
  if (type !== undefined) ctx.res.setHeader("content-type", type);
  if (ctx.status !== status) ctx.status = status;
  if (messageOf(ctx) !== message) ctx.message = message;
}
