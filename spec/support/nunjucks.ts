// Renders Nunjucks templates plainly and with fragments, cold and hot, and compares.
import { expect } from "chai";
import nunjucks from "nunjucks";
import { FRAGMENTS, type Fragments } from "../../src/fragment/fragments.js";
import {
  installNunjucks,
  type NunjucksOptions,
  type NunjucksRenderer,
} from "../../src/nunjucks/index.js";
import { engineFragments, memoryFragments, type MemoryBackend } from "./fragment-backend.js";

/** Templates by name, of which `main` is rendered. What is stateful is made for each rendering. */
export interface Case {
  readonly templates: Record<string, string>;
  readonly data?: () => object;
  readonly options?: nunjucks.ConfigureOptions;
  readonly prepare?: (environment: nunjucks.Environment) => void;
}

/** An environment with fragments in memory. */
export interface Kitchen extends NunjucksRenderer {
  readonly environment: nunjucks.Environment;
  readonly templates: Record<string, string>;
  readonly backend: MemoryBackend;
  readonly fragments: Fragments;
  readonly warnings: string[];
}

/** A tag that does nothing, on Nunjucks' public interface. */
export const transparent: nunjucks.Extension & { run: (...args: any[]) => unknown } = {
  tags: ["cache"],
  parse(parser: any, nodes: any): unknown {
    const token = parser.nextToken();
    const args = parser.parseSignature(null, true);
    parser.advanceAfterBlockEnd(token.value);
    const body = parser.parseUntilBlocks("endcache");
    parser.advanceAfterBlockEnd();
    return new nodes.CallExtension(this, "run", args, [body]);
  },
  run(...args: any[]): unknown {
    return new nunjucks.runtime.SafeString(args.at(-1)());
  },
};

/** Makes an environment for templates, which are looked up anew for each rendering. */
export function environmentOf(given: Case): nunjucks.Environment {
  const loader = {
    getSource: (name: string) =>
      given.templates[name] === undefined
        ? null
        : { src: given.templates[name], path: name, noCache: true },
  };
  const environment = new nunjucks.Environment(loader as never, given.options);
  given.prepare?.(environment);
  return environment;
}

/** Makes an environment with fragments. */
export function kitchen(
  given: Case,
  options: NunjucksOptions & { strict?: boolean } = {},
): Kitchen {
  const { strict, ...rest } = options;
  const parts = memoryFragments(strict);
  const environment = environmentOf(given);
  const renderer = installNunjucks(environment, { [FRAGMENTS]: parts.fragments }, rest);
  return { environment, templates: given.templates, ...parts, ...renderer };
}

/** What the templates give in an environment whose tag does nothing. */
export function plain(given: Case): Promise<string> {
  const environment = environmentOf(given);
  environment.addExtension("cache", transparent);
  return new Promise((resolve, reject) => {
    environment.render("main", given.data?.() ?? {}, (error, text) =>
      error ? reject(error) : resolve(text!),
    );
  });
}

/** Expects the output of plain Nunjucks cold, hot, and hot from a memory store. */
export async function expectSame(given: Case, expected: string): Promise<Kitchen> {
  expect(await plain(given), "plain").to.equal(expected);
  const memory = kitchen(given);
  memory.backend.local = true;
  expect(await memory.render("main", given.data?.()), "cold, memory").to.equal(expected);
  expect(await memory.render("main", given.data?.()), "hot, memory").to.equal(expected);
  return expectBoth(given, expected);
}

/** Expects an output cold and hot, on the engine too; nothing stored holds a placeholder. */
export async function expectBoth(given: Case, expected: string): Promise<Kitchen> {
  const made = kitchen(given);
  expect(await made.render("main", given.data?.()), "cold").to.equal(expected);
  expect(await made.render("main", given.data?.()), "hot").to.equal(expected);
  for (const [key, { text }] of made.backend.entries) expect(text, key).to.not.match(/\d{40}/);
  for (const { fragments, texts } of engineFragments()) {
    const { render } = installNunjucks(environmentOf(given), { [FRAGMENTS]: fragments });
    const once = (): Promise<string> => render("main", given.data?.());
    // oxlint-disable-next-line no-await-in-loop
    expect([await once(), await once()], "on the engine").to.eql([expected, expected]);
    for (const text of texts()) expect(text).to.not.match(/\d{40}/);
  }
  return made;
}
