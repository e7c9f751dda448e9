// Runs the block of a tag: where the tag stands, or when its template has gone on.
import { AsynchronousBlockError } from "../fragment/fragment.js";
import type { MaybePromise } from "../store/store.js";
import { capture, withVariables } from "./capture.js";
import type { Context, Frame, Runtime } from "./environment.js";
import type { TagInfo } from "./node.js";

type Callback = (error: unknown, text?: string) => void;

/** A tag met by a running template. */
export interface TagCall {
  readonly context: Context;
  readonly frame: Frame;
  readonly runtime: Runtime;
  /** The position that errors of the template would have. */
  readonly at: readonly [line: number, column: number];
  readonly info: string;
  readonly args: readonly unknown[];
  readonly values: readonly unknown[];
  readonly block: (
    callback: Callback,
    frame: Frame,
    ...positionAndValues: readonly unknown[]
  ) => void;
}

/** Runs the block now. What it sets stays in it, as it does on a hit. */
export function runHere({ block, frame, at, values }: TagCall): string {
  let ended: Ended | undefined;
  block((error, text) => (ended ??= { error, text }), frame.push(true), ...at, ...values);
  if (ended === undefined) throw new AsynchronousBlockError(ASYNCHRONOUS);
  return textOf(ended);
}

/** Keeps the scope of the block, and gives what runs it in that scope. */
export function keep(call: TagCall, info: TagInfo): () => MaybePromise<string> {
  const { context, block, at } = call;
  const { frame, values, variables } = capture(call.frame, call.values, context);
  return () => {
    let ended: Ended | undefined;
    let settle: ((ended: Ended) => void) | undefined;
    const callback: Callback = (error, text) => {
      if (ended !== undefined) return;
      ended = { error: error && described(error, call, info), text };
      settle?.(ended);
    };
    withVariables(context, variables, () => block(callback, frame.push(true), ...at, ...values));
    if (ended !== undefined) return textOf(ended);
    return new Promise<Ended>((resolve) => (settle = resolve)).then(textOf);
  };
}

interface Ended {
  readonly error: unknown;
  readonly text: string | undefined;
}

const ASYNCHRONOUS =
  "A fragment holds something asynchronous (a filter, a loader, asyncEach …), and stands where it " +
  "cannot be waited for: outside of a rendering by cache.withFragments(), or in something that " +
  "changes the text of its block.";

function textOf({ error, text }: Ended): string {
  if (error) throw error;
  return text ?? "";
}

/** The error with the name of its template, as Nunjucks would have thrown it. */
function described(error: unknown, { runtime, context }: TagCall, { template }: TagInfo): unknown {
  const known = error as Partial<TemplateError>;
  const located = known.Update
    ? known
    : (runtime.handleError(error, 0, 0) as Partial<TemplateError>);
  if (located.Update === undefined) return error;
  const named = located.Update(template);
  if (context.env.opts.dev) return named;
  const plain = new Error(named.message, { cause: named.cause });
  plain.name = named.name;
  return plain;
}

/** An error of Nunjucks before it knows its template. */
interface TemplateError extends Error {
  Update(path: string | undefined): Error;
}
