// The scope of a block as it is at one moment: templates go on changing theirs.
import type { Context, Frame } from "./environment.js";

type Copies = Map<object, object>;

const lent = new WeakMap<Context, object>();
const watched = new WeakSet<Context>();

/** What a block needs to run later as it would run now. */
export interface Captured {
  readonly frame: Frame;
  /** The JavaScript variables of the template that the block uses. */
  readonly values: readonly unknown[];
  readonly variables: Record<string, unknown>;
}

/** Copies the scopes around a block, with `loop` in each of them and wherever else it is. */
export function capture(frame: Frame, values: readonly unknown[], context: Context): Captured {
  const copies: Copies = new Map();
  return {
    frame: copyFrame(frame, copies),
    values: values.map((value) => copyLoop(value, copies)),
    variables: lend(context),
  };
}

/** Runs something while a template has the variables that it had. */
export function withVariables<T>(
  context: Context,
  variables: Captured["variables"],
  run: () => T,
): T {
  const present = context.ctx;
  context.ctx = variables;
  try {
    return run();
  } finally {
    context.ctx = present;
  }
}

function copyFrame(frame: Frame, copies: Copies): Frame {
  const { parent, isolateWrites, variables } = frame;
  const Class = frame.constructor as new (parent?: Frame, isolateWrites?: boolean) => Frame;
  const copy = new Class(parent && copyFrame(parent, copies), isolateWrites);
  copy.topLevel = frame.topLevel;
  for (const name of Object.keys(variables)) {
    copy.variables[name] = copyLoop(variables[name], copies);
  }
  return copy;
}

/** One `loop` object serves all turns of a loop. */
function copyLoop(value: unknown, copies: Copies): unknown {
  if (typeof value !== "object" || value === null || !("revindex0" in value)) return value;
  let copy = copies.get(value);
  if (copy === undefined) copies.set(value, (copy = { ...value }));
  return copy;
}

/** The variables at the top of a template, which are copied only if the template sets another. */
function lend(context: Context): Captured["variables"] {
  if (!watched.has(context)) watch(context);
  lent.set(context, context.ctx);
  return context.ctx;
}

function watch(context: Context): void {
  const set = context.setVariable;
  context.setVariable = function setVariable(name, value) {
    if (lent.get(context) === context.ctx) context.ctx = { ...context.ctx };
    set.call(context, name, value);
  };
  watched.add(context);
}
