// Checks that a Handlebars instance works inside as the tag relies on.
import { FragmentError } from "../errors.js";
import type { Containers } from "./containers.js";
import { snapshot } from "./data.js";
import type { Environment, HelperOptions } from "./environment.js";

const PROBE =
  '{{#*inline "i"}}[{{who}}]{{/inline}}{{#each xs}}{{#probe}}{{@index}}{{who}}{{> i}}{{/probe}}{{/each}}';
const EXPECTED = "0a[a]1a[a]";

/** Whether something has the shape of a Handlebars instance. */
export function isHandlebars(value: unknown): value is Environment {
  if (typeof value !== "object" || value === null) return false;
  const { template, registerHelper, helpers, partials, VM } = value as Partial<Environment>;
  return (
    typeof template === "function" &&
    typeof registerHelper === "function" &&
    typeof helpers === "object" &&
    typeof partials === "object" &&
    typeof VM?.noop === "function"
  );
}

/** Whether blocks kept by `containers` run later as they would have run; true without a compiler. */
export function keepsBlocks({ compile }: Environment, containers: Containers): boolean {
  if (compile === undefined) return true;
  const kept: (() => unknown)[] = [];
  function probe(this: unknown, { fn, data }: HelperOptions): string {
    const frame = snapshot(data);
    kept.push(containers.keep(() => fn!(this, { data: frame })));
    return "";
  }
  try {
    const template = compile(PROBE);
    const text = template({ xs: [1, 2] }, { helpers: { probe, who: () => "a" } });
    // Extended to wait for its helpers, an instance has no moment at which a block could be kept.
    if (text instanceof Promise) return true;
    template({ xs: [] }, { helpers: { probe, who: () => "b" } });
    return kept.map((run) => run()).join("") === EXPECTED;
  } catch {
    return false;
  }
}

/** The error for an instance that does not. */
export function unknownVersion(version: unknown): FragmentError {
  return new FragmentError(
    `installHandlebars() knows the inside of Handlebars 4.7 (4.7.8 to 4.7.10), and this ` +
      `${typeof version === "string" ? `is ${version}, which differs` : "is not a Handlebars instance"}. ` +
      `Use one of these versions, or cache.fragment() around your own rendering.`,
  );
}
