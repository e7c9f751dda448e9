// Tells that a page read something that its key does not cover.
import type { Context } from "koa";
import { warn } from "../events.js";
import { show } from "../errors.js";
import type { Input, InputReads } from "./inputs.js";
import type { Visit } from "./visit.js";

const MOST_WARNINGS = 1000;
const warned = new Set<string>();

/** Whether the application is being developed: Koa's own rule for its environment. */
export function isDevelopment({ app }: Context): boolean {
  return app.env !== "production";
}

/** Emits the event; in development a warning says where in the code it was read, once each. */
export function tellUnkeyed(visit: Visit, inputs: readonly Input[], reads: InputReads): void {
  const { plan, names } = visit;
  const detail = inputs.join(", ");
  const { events, lookup } = plan.engine;
  events.emit("unkeyed", { key: names[0], name: plan.name, tier: lookup.store.tier, detail });
  if (isDevelopment(visit.ctx))
    for (const input of inputs) warnOnce(plan.name, input, reads.get(input));
}

function warnOnce(name: string, input: Input, place: string | undefined): void {
  const where = place === undefined ? "" : ` at ${place}`;
  const id = `${name} ${input}${where}`;
  if (warned.has(id) || warned.size >= MOST_WARNINGS) return;
  warned.add(id);
  warn(
    `${name} is not cached where it reads ${input}${where}, because its key does not cover that: ` +
      `${remedy(input)}.`,
    "ERR_UNKEYED",
  );
}

function remedy(input: Input): string {
  const callable = "give a keyPrefix function that returns what it depends on";
  if (input === "ctx.ip" || input === "ctx.state.user") return callable;
  return `name it in the option vary (${show(input === "ctx.session" ? "cookie" : input)}), or ${callable}`;
}
