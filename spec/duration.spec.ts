import { expect } from "chai";
import { assert, double, property } from "fast-check";
import { lifetime, milliseconds } from "../src/duration.js";
import { OptionError } from "../src/errors.js";

describe("a duration", () => {
  const written: readonly (readonly [unknown, number])[] = [
    [50, 50_000],
    [0.5, 500],
    [0, 0],
    ["500ms", 500],
    ["50s", 50_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["7d", 604_800_000],
    ["1.5h", 5_400_000],
    ["0s", 0],
  ];
  for (const [duration, expected] of written) {
    it(`${JSON.stringify(duration)} is ${expected} milliseconds`, () => {
      expect(milliseconds(duration, "timeout")).to.equal(expected);
    });
  }

  it("of 0 never expires where it is a lifetime (K011, L06, L10)", () => {
    expect(lifetime(0, "timeout")).to.equal(Infinity);
    expect(lifetime("0s", "timeout")).to.equal(Infinity);
    expect(lifetime(1, "timeout")).to.equal(1000);
  });

  it("given as a number is that many seconds, to the fraction", () => {
    assert(
      property(double({ min: 0, max: 1e9, noNaN: true }), (seconds) => {
        expect(milliseconds(seconds, "timeout")).to.equal(seconds * 1000);
      }),
    );
  });

  const wrong: readonly unknown[] = [
    -1,
    -0.001,
    Number.NaN,
    Infinity,
    -Infinity,
    "50",
    "",
    "-5s",
    "5 m",
    "5min",
    "5M",
    "fifty",
    "1e3s",
    ".5s",
    "5m ",
    "none",
    `${"9".repeat(400)}d`,
    null,
    undefined,
    true,
    5n,
    Symbol("s"),
    {},
    [5],
    new Date(),
  ];
  for (const duration of wrong) {
    it(`refuses ${typeof duration === "bigint" ? "5n" : (JSON.stringify(duration) ?? String(duration)).slice(0, 20)}`, () => {
      expect(() => milliseconds(duration, "timeout")).to.throw(
        OptionError,
        /^timeout must be seconds as a number from 0 up .* got /,
      );
    });
  }

  it("that is wrong is shown in the message, together with the option's name", () => {
    expect(() => lifetime("5 minutes", "staleIfError")).to.throw(
      OptionError,
      'staleIfError must be seconds as a number from 0 up (0 never expires) or text with a unit such as "500ms", "50s", "5m", "2h", "7d"; got "5 minutes".',
    );
  });
});
