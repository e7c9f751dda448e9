// What a callable that makes a key has read, as part of that key.
import type { Context } from "koa";
import { digest } from "../key/hash.js";
import type { Input, InputReads } from "./inputs.js";
import { requestFields } from "./request-headers.js";
import { variantText } from "./vary.js";

/** The values of inputs. */
export interface ReadValues {
  /** A text that differs where the values do; empty where nothing was read. */
  readonly text: string;
  /** The inputs whose values it tells apart. */
  readonly covered: readonly Input[];
}

const NOTHING: ReadValues = { text: "", covered: [] };

/** The values of what was read, in one text; what cannot be told apart is not covered. */
export function readValues(reads: InputReads, ctx: Context): ReadValues {
  if (reads.size === 0) return NOTHING;
  const pairs = [...reads.keys()].map((input) => [input, valueText(input, ctx)] as const);
  const known = pairs.filter(([, text]) => text !== undefined);
  return { text: digest(JSON.stringify(pairs)), covered: known.map(([input]) => input) };
}

function valueText(input: Input, ctx: Context): string | undefined {
  if (input === "ctx.ip") return ctx.ip;
  if (input === "ctx.session") return objectText(ctx["session"]);
  if (input === "ctx.state.user") return objectText(ctx.state["user"]);
  return variantText([input], requestFields(ctx.req));
}

/** A session or a user: all that would be written of it, as nobody knows which part was used. */
function objectText(value: unknown): string | undefined {
  if (value === undefined) return "";
  let isWhole = true;
  try {
    const text = JSON.stringify(value, (_name, part: unknown) => {
      isWhole &&= isWritten(part);
      return part;
    }) as string | undefined;
    return isWhole ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Whether JSON holds all of a part: a class, a Map and a function may keep more to themselves. */
function isWritten(part: unknown): boolean {
  if (typeof part === "function" || typeof part === "symbol") return false;
  if (typeof part !== "object" || part === null) return true;
  const prototype: unknown = Object.getPrototypeOf(part);
  return prototype === null || prototype === Object.prototype || Array.isArray(part);
}
