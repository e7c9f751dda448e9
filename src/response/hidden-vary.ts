// Keeps apart what the handlers vary on from the `Vary` that middleware outside has set.
import type { Context } from "koa";
import { listMembers, type FieldValue } from "./fields.js";
import { addVary } from "./page-answer.js";

/** What middleware outside does by these to a response says nothing of what the handlers get. */
const OF_OUTSIDE: ReadonlySet<string> = new Set(["origin", "accept-encoding"]);

/**
 * `Vary` as it was set outside, hidden while the handlers run: what they add to it would not be
 * seen if it stood there already. It is back before the head is sent.
 */
export class HiddenVary {
  readonly outer: FieldValue;
  readonly #ctx: Context;
  #restore: (() => void) | undefined;

  constructor(ctx: Context) {
    this.#ctx = ctx;
    this.outer = ctx.res.getHeader("vary");
    if (this.outer !== undefined && !ctx.headerSent) this.#hide();
  }

  #hide(): void {
    const { res } = this.#ctx;
    res.removeHeader("vary");
    const original = Object.getOwnPropertyDescriptor(res, "writeHead");
    const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => typeof res;
    res.writeHead = (...args: unknown[]) => {
      this.show();
      return writeHead(...args);
    };
    this.#restore = () => {
      Reflect.deleteProperty(res, "writeHead");
      if (original !== undefined) Object.defineProperty(res, "writeHead", original);
    };
  }

  /** Puts both together. */
  show(): void {
    const { res } = this.#ctx;
    if (this.#restore === undefined || this.outer === undefined) return;
    this.#restore();
    this.#restore = undefined;
    if (res.headersSent) return;
    const own = res.getHeader("vary");
    res.setHeader("vary", this.outer);
    if (own !== undefined) addVary(this.#ctx, own);
  }

  /** All that a response varies on: what was set outside may have been for the handlers to see. */
  unitedWith(own: FieldValue): FieldValue {
    const names = [this.outer ?? ""].flat().flatMap((text) => listMembers(String(text)));
    const counting = names.filter((name) => !OF_OUTSIDE.has(name.toLowerCase()));
    return counting.length === 0 ? own : [own ?? [], counting].flat().map(String);
  }
}
