// Durations as users write them, settled once into milliseconds.
import { OptionError, show } from "./errors.js";

/**
 * A length of time: seconds as a number (fractions allowed), or text with a unit: `"500ms"`,
 * `"50s"`, `"5m"`, `"2h"`, `"7d"`. `0` never expires. Seconds as in Flask and in HTTP header fields.
 */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const WRITTEN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/**
 * Milliseconds of a duration; `Infinity` for `0`, which means "never expires".
 *
 * @throws {OptionError} for a negative or non-finite number, an unknown unit, text without a unit.
 */
export function lifetime(duration: unknown, option: string): number {
  const length = milliseconds(duration, option);
  return length === 0 ? Infinity : length;
}

/**
 * Milliseconds of a duration, where `0` is no time at all.
 *
 * @throws {OptionError} for a negative or non-finite number, an unknown unit, text without a unit.
 */
export function milliseconds(duration: unknown, option: string): number {
  if (typeof duration === "number" && duration >= 0 && Number.isFinite(duration)) {
    return duration * 1000;
  }
  const written = typeof duration === "string" ? WRITTEN.exec(duration) : null;
  if (written !== null) {
    const length = Number(written[1]) * UNITS[written[2] as string]!;
    if (Number.isFinite(length)) return length;
  }
  throw new OptionError(
    `${option} must be seconds as a number from 0 up (0 never expires) or text with a unit ` +
      `such as "500ms", "50s", "5m", "2h", "7d"; got ${show(duration)}.`,
  );
}
