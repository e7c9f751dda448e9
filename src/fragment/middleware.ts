// The middleware that gives ctx.render its fragments, whatever engine is behind it.
import { FragmentError, show } from "../errors.js";
import type { Fragments } from "./fragments.js";

type Render = (...args: any[]) => unknown;

/** What the middleware needs of Koa's context. */
export interface RenderingContext {
  body: unknown;
  render?: Render;
}

/** A middleware for what has `ctx.render`. */
export type FragmentsMiddleware = (
  context: RenderingContext,
  next: () => Promise<unknown>,
) => Promise<unknown>;

/** Makes every `ctx.render()` beneath it one rendering of `fragments`. */
export function fragmentsMiddleware(fragments: Fragments): FragmentsMiddleware {
  return async (context, next) => {
    const { render } = context;
    if (typeof render !== "function") throw new FragmentError(missing(render));
    context.render = (...args) =>
      renderWithin(fragments, context, () => render.apply(context, args));
    return next();
  };
}

/** Renders; the text is what `render` gives, or else what it has put into the body. */
async function renderWithin(
  fragments: Fragments,
  context: RenderingContext,
  render: () => unknown,
): Promise<unknown> {
  let given: unknown;
  let made: unknown;
  const text = await fragments.render(async () => {
    given = await render();
    made = typeof given === "string" ? given : context.body;
    return typeof made === "string" ? made : nothing(fragments, made);
  });
  if (typeof made !== "string" || made === text) return given;
  if (context.body === made) context.body = text;
  return given === made ? text : given;
}

/** What is no text passes if no fragment has left a placeholder in it. */
function nothing(fragments: Fragments, made: unknown): string {
  if (fragments.scope()?.session.isUsed !== true) return "";
  throw new FragmentError(
    `ctx.render() left fragments in a body that is not text; got ${show(made)}. ` +
      `Make it of the text that cache.withFragments() gives.`,
  );
}

function missing(render: unknown): string {
  return (
    `fragmentsMiddleware() found no ctx.render; got ${show(render)}. ` +
    `Install it after the middleware that sets ctx.render.`
  );
}
