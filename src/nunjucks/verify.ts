// Checks that an environment works inside as the tag relies on.
import { FragmentError } from "../errors.js";
import { keep, type TagCall } from "./block.js";
import type { Environment, NunjucksEnvironment } from "./environment.js";
import type { TagInfo } from "./node.js";
import { TAG } from "./parse.js";
import type { FragmentExtension } from "./tag.js";

const EXPECTED = "121232";

/** An environment with its inside. */
export type OpenEnvironment = NunjucksEnvironment & Environment;

/** Whether something has the shape of an environment. */
export function isEnvironment(value: unknown): value is OpenEnvironment {
  if (typeof value !== "object" || value === null) return false;
  const { addExtension, getTemplate, renderString, opts, extensionsList } = value as Partial<
    Record<string, unknown>
  >;
  const methods = [addExtension, getTemplate, renderString];
  return (
    methods.every((method) => typeof method === "function") &&
    typeof opts === "object" &&
    Array.isArray(extensionsList)
  );
}

/** Whether blocks of an environment that has the extension run later as they would have run. */
export function keepsBlocks(environment: OpenEnvironment, extension: FragmentExtension): boolean {
  const kept: (() => unknown)[] = [];
  const run = (call: TagCall): string => {
    kept.push(keep(call, JSON.parse(call.info) as TagInfo));
    return "";
  };
  Object.defineProperty(extension, "run", { value: run, configurable: true });
  try {
    // Integrations replace the method of the instance by one that gives a promise.
    const { renderString } = Object.getPrototypeOf(environment) as OpenEnvironment;
    Reflect.apply(renderString, environment, [probe(environment), {}]);
    return kept.map((block) => block()).join("") === EXPECTED;
  } catch {
    return false;
  } finally {
    Reflect.deleteProperty(extension, "run");
  }
}

function probe({ opts }: Environment): string {
  const {
    blockStart = "{%",
    blockEnd = "%}",
    variableStart = "{{",
    variableEnd = "}}",
  } = opts.tags ?? {};
  const block = (code: string): string => `${blockStart} ${code} ${blockEnd}`;
  const value = (code: string): string => `${variableStart} ${code} ${variableEnd}`;
  return [
    block("macro m(v)") + value("v + 1") + block("endmacro"),
    block("for x in [1, 2]") + block("set y = x") + block(`${TAG} 9, "k"`),
    value("loop.index") + value("m(x)") + value("y"),
    block(`end${TAG}`) + block("endfor"),
  ].join("");
}

/** The error for an environment that does not. */
export function unknownVersion(isKnownShape: boolean): FragmentError {
  return new FragmentError(
    `installNunjucks() knows the inside of Nunjucks 3.2 (3.2.4) and @11ty/nunjucks 3.3, and this is ` +
      `${isKnownShape ? "an environment that differs" : "not an environment of Nunjucks"}. ` +
      `Use one of these versions, or cache.fragment() around your own rendering.`,
  );
}
