// Checks the names of options: a misspelt one is an error that names the nearest right one.
import { OptionError, show } from "./errors.js";

/**
 * Checks that options are an object with known names only.
 *
 * @throws {OptionError} naming what is wrong and, for a misspelt name, the nearest right one.
 */
export function checkOptions(given: unknown, known: readonly string[], where: string): void {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new OptionError(`The options of ${where} must be an object; got ${show(given)}.`);
  }
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw new OptionError(unknownOption(name, known, where));
  }
}

function unknownOption(name: string, known: readonly string[], where: string): string {
  const near = nearest(name, known);
  const hint = near === undefined ? "" : ` Did you mean ${near}?`;
  return `${where} has no option ${show(name)}.${hint} It has: ${known.join(", ")}.`;
}

/** The known name that is nearest to a misspelt one, if any is near. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const lower = name.toLowerCase();
  const ranked = known
    .map((candidate) => ({ candidate, far: distance(lower, candidate.toLowerCase()) }))
    .toSorted((left, right) => left.far - right.far);
  const best = ranked[0];
  return best !== undefined && best.far <= Math.max(2, name.length / 3)
    ? best.candidate
    : undefined;
}

/** Levenshtein's distance. */
function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const change = left[i - 1] === right[j - 1] ? 0 : 1;
      next.push(Math.min(row[j - 1]! + change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[right.length]!;
}
