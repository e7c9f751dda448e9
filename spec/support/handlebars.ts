// Renders one Handlebars template plainly and with fragments, cold and hot, and compares.
import { expect } from "chai";
import Handlebars from "handlebars";
import { FRAGMENTS, type Fragments } from "../../src/fragment/fragments.js";
import { installHandlebars, type HandlebarsOptions } from "../../src/handlebars/index.js";
import { engineFragments, memoryFragments, type MemoryBackend } from "./fragment-backend.js";

export type Instance = typeof Handlebars;

/** A template with all that it needs. What is stateful is made by a function, for each rendering. */
export interface Case {
  readonly template: string;
  readonly data?: () => object;
  readonly partials?: Record<string, string>;
  readonly helpers?: Record<string, (...args: any[]) => unknown>;
  readonly compileOptions?: CompileOptions;
  readonly runtimeOptions?: () => object;
  readonly prepare?: (handlebars: Instance) => void;
}

/** An instance with fragments in memory. */
export interface Kitchen {
  readonly handlebars: Instance;
  readonly backend: MemoryBackend;
  readonly fragments: Fragments;
  readonly warnings: string[];
  readonly render: (kitchenCase: Case) => Promise<string>;
}

/** Makes an instance with fragments. */
export function kitchen(options: HandlebarsOptions & { strict?: boolean } = {}): Kitchen {
  const { strict, ...rest } = options;
  const parts = memoryFragments(strict);
  const handlebars = Handlebars.create();
  const { render } = installHandlebars(handlebars, { [FRAGMENTS]: parts.fragments }, rest);
  return {
    handlebars,
    ...parts,
    render: (given) =>
      render(prepared(handlebars, given), given.data?.(), given.runtimeOptions?.()),
  };
}

/** What the template gives in an instance whose `cache` does nothing. */
export function plain(given: Case): string {
  const handlebars = Handlebars.create();
  handlebars.registerHelper("cache", function (this: unknown, ...args: any[]) {
    return args.at(-1).fn(this);
  });
  return prepared(handlebars, given)(given.data?.(), given.runtimeOptions?.());
}

/** Expects the output of plain Handlebars cold, hot, and hot from a memory store. */
export async function expectSame(given: Case, expected: string): Promise<Kitchen> {
  expect(plain(given), "plain").to.equal(expected);
  await expectBoth(given, expected);
  const memory = kitchen();
  memory.backend.local = true;
  expect(await memory.render(given), "cold, memory").to.equal(expected);
  expect(await memory.render(given), "hot, memory").to.equal(expected);
  return expectBoth(given, expected);
}

/** Expects an output cold and hot, on the engine too; nothing stored holds a placeholder. */
export async function expectBoth(given: Case, expected: string): Promise<Kitchen> {
  const made = kitchen();
  expect(await made.render(given), "cold").to.equal(expected);
  expect(await made.render(given), "hot").to.equal(expected);
  expectClean(made.backend);
  for (const { fragments, texts } of engineFragments()) {
    const handlebars = Handlebars.create();
    const { render } = installHandlebars(handlebars, { [FRAGMENTS]: fragments });
    const once = (): Promise<string> =>
      render(prepared(handlebars, given), given.data?.(), given.runtimeOptions?.());
    // oxlint-disable-next-line no-await-in-loop
    expect([await once(), await once()], "on the engine").to.eql([expected, expected]);
    for (const text of texts()) expect(text).to.not.match(/\d{40}/);
  }
  return made;
}

/** Expects that nothing stored holds a placeholder. */
export function expectClean(backend: MemoryBackend): void {
  for (const [key, { text }] of backend.entries) expect(text, key).to.not.match(/\d{40}/);
}

function prepared(handlebars: Instance, given: Case): HandlebarsTemplateDelegate {
  given.prepare?.(handlebars);
  for (const [name, text] of Object.entries(given.partials ?? {})) {
    if (handlebars.partials[name] === undefined) handlebars.registerPartial(name, text);
  }
  for (const [name, helper] of Object.entries(given.helpers ?? {})) {
    handlebars.registerHelper(name, helper);
  }
  return handlebars.compile(given.template, given.compileOptions);
}
