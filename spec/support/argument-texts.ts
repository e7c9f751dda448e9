// Expectations about the texts of arguments.
import { expect } from "chai";

import { encodeArguments } from "../../src/key/arguments.js";

export function encode(...args: unknown[]): string {
  return encodeArguments(args);
}

/** Expects one text for all lists of arguments. */
export function same(...lists: readonly (readonly unknown[])[]): void {
  const texts = lists.map((list) => encodeArguments(list));
  expect(texts).to.deep.equal(texts.map(() => texts[0]));
}

/** Expects a text of its own for every argument. */
export function apart(...values: readonly unknown[]): void {
  const texts = values.map((value) => encode(value));
  expect(new Set(texts).size, texts.join("  ")).to.equal(values.length);
}
