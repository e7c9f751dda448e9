import { expect } from "chai";
import { readControls, type Controls } from "../../src/response/cache-control.js";
import { httpDate, type Fields, type ResponseFacts } from "../../src/response/fields.js";
import {
  ageSeconds,
  forbidsStale,
  guessedLifetime,
  initialAge,
  isUseful,
  ownLifetime,
  windowsOf,
  type LifetimeRules,
  type Windows,
} from "../../src/response/freshness.js";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;

function response(fields: Fields, status = 200): ResponseFacts {
  return { status, fields, requestedAt: NOW, receivedAt: NOW };
}

function controls(fields: Fields, targets: readonly string[] = []): Controls {
  const read = readControls(fields, targets);
  if (read === "unparsable") throw new Error("unparsable");
  return read;
}

function own(fields: Fields, targets?: readonly string[]): number | undefined {
  return ownLifetime(response(fields), controls(fields, targets));
}

const NO_RULES: LifetimeRules = {
  timeout: undefined,
  heuristic: false,
  staleWhileRevalidate: 0,
  staleIfError: 0,
};

function windows(fields: Fields, rules: Partial<LifetimeRules> = {}): Windows | undefined {
  return windowsOf(response(fields), controls(fields), { ...NO_RULES, ...rules });
}

const at = (offset: number) => httpDate(NOW + offset);

describe("the lifetime of a response (RFC 9111, section 4.2.1)", () => {
  const forms: readonly (readonly [string, Fields, number | undefined])[] = [
    ["nothing", {}, undefined],
    ["max-age", { "cache-control": "max-age=60" }, 60 * SECOND],
    ["s-maxage before max-age", { "cache-control": "max-age=60, s-maxage=10" }, 10 * SECOND],
    ["s-maxage alone", { "cache-control": "s-maxage=10" }, 10 * SECOND],
    ["a malformed s-maxage", { "cache-control": "s-maxage=x, max-age=60" }, 0],
    ["max-age before Expires", { "cache-control": "max-age=60", expires: at(DAY) }, 60 * SECOND],
    ["a malformed max-age before Expires", { "cache-control": "max-age=x", expires: at(DAY) }, 0],
    ["Expires without Date", { expires: at(HOUR) }, HOUR],
    ["Expires against Date", { expires: at(HOUR), date: at(-HOUR) }, 2 * HOUR],
    ["Expires against a Date that is none", { expires: at(HOUR), date: "now" }, HOUR],
    ["an Expires that has passed", { expires: at(-HOUR) }, 0],
    ["Expires: 0", { expires: "0" }, 0],
    ["Expires: -1", { expires: "-1" }, 0],
    ["an empty Expires", { expires: "" }, 0],
    ["two Expires", { expires: [at(DAY), at(HOUR)] }, HOUR],
    ["two Expires, one malformed", { expires: [at(DAY), "soon"] }, 0],
    ["public alone", { "cache-control": "public" }, undefined],
    ["no-cache", { "cache-control": "no-cache" }, 0],
    ["no-cache for fields", { "cache-control": 'no-cache="a"' }, undefined],
  ];
  for (const [name, fields, expected] of forms) {
    it(`of ${name} is ${expected}`, () => {
      expect(own(fields)).to.equal(expected);
    });
  }

  it("is that of the targeted field, whatever Cache-Control and Expires say (RFC 9213)", () => {
    const fields = { "cache-control": "max-age=60", expires: at(DAY) };
    const targets = ["cdn-cache-control"];
    expect(own({ ...fields, "cdn-cache-control": "max-age=5" }, targets)).to.equal(5 * SECOND);
    expect(own({ ...fields, "cdn-cache-control": "public" }, targets)).to.equal(undefined);
  });
});

function guessed(fields: Fields, status = 200): number | undefined {
  return guessedLifetime(response(fields, status), controls(fields));
}

describe("guessed lifetimes (RFC 9111, section 4.2.2)", () => {
  const modified = httpDate(NOW - 10 * HOUR);

  it("are a tenth of the time since the last change", () => {
    expect(guessed({ "last-modified": modified })).to.equal(HOUR);
    const date = httpDate(NOW - 5 * HOUR);
    expect(guessed({ "last-modified": modified, date })).to.equal(HOUR / 2);
  });

  it("are a day at most, and never negative", () => {
    expect(guessed({ "last-modified": httpDate(NOW - 100 * DAY) })).to.equal(DAY);
    expect(guessed({ "last-modified": httpDate(NOW + DAY) })).to.equal(0);
  });

  it("are made only where the status or public allows it", () => {
    expect(guessed({ "last-modified": modified }, 302)).to.equal(undefined);
    expect(guessed({ "last-modified": modified, "cache-control": "public" }, 302)).to.equal(HOUR);
    expect(guessed({ "last-modified": modified }, 404)).to.equal(HOUR);
  });

  it("need a last change", () => {
    expect(guessed({})).to.equal(undefined);
    expect(guessed({ "last-modified": "yesterday" })).to.equal(undefined);
  });

  it("are used only by the option, and after everything else", () => {
    const fields = { "last-modified": modified };
    expect(windows(fields)).to.equal(undefined);
    expect(windows(fields, { heuristic: true })?.fresh).to.equal(HOUR);
    expect(windows(fields, { heuristic: true, timeout: 5 })?.fresh).to.equal(5);
    expect(
      windows({ ...fields, "cache-control": "max-age=1" }, { heuristic: true })?.fresh,
    ).to.equal(SECOND);
  });
});

describe("the age of a response (RFC 9111, section 4.2.3)", () => {
  function age(fields: Fields, delay = 0): number {
    return initialAge({ status: 200, fields, requestedAt: NOW - delay, receivedAt: NOW });
  }

  const forms: readonly (readonly [string, Fields, number])[] = [
    ["none is passed on", {}, 0],
    ["Age is passed on", { age: "30" }, 30 * SECOND],
    ["Date is older", { date: httpDate(NOW - 40 * SECOND) }, 40 * SECOND],
    ["both are, the larger", { age: "30", date: httpDate(NOW - 40 * SECOND) }, 40 * SECOND],
    ["Date is ahead", { date: httpDate(NOW + HOUR) }, 0],
    ["Age has two members, the first", { age: "30, 5" }, 30 * SECOND],
    ["Age has two lines, the first", { age: ["30", "5"] }, 30 * SECOND],
    ["Age is negative", { age: "-30" }, 0],
    ["Age is a fraction", { age: "1.5" }, 0],
    ["Age is no number", { age: "old" }, 0],
    ["Age is empty", { age: "" }, 0],
    ["Age is huge", { age: "9".repeat(30) }, 2_147_483_648 * SECOND],
  ];
  for (const [name, fields, expected] of forms) {
    it(`is ${expected} where ${name}`, () => {
      expect(age(fields)).to.equal(expected);
    });
  }

  it("counts how long a passed-on response took, and nothing for one made here", () => {
    expect(age({ age: "30" }, 2 * SECOND)).to.equal(32 * SECOND);
    expect(age({}, 2 * SECOND)).to.equal(0);
  });

  it("is taken off the lifetime of the response, not off the option's", () => {
    expect(windows({ "cache-control": "max-age=60", age: "20" })?.fresh).to.equal(40 * SECOND);
    expect(windows({ "cache-control": "max-age=60", age: "90" })?.fresh).to.equal(0);
    expect(windows({ age: "20" }, { timeout: HOUR })?.fresh).to.equal(HOUR);
  });

  it("is written in whole seconds", () => {
    expect(ageSeconds(1999)).to.equal(1);
    expect(ageSeconds(-5)).to.equal(0);
    expect(ageSeconds(Infinity)).to.equal(2_147_483_648);
  });
});

const kept = (fields: Fields) =>
  windows({ "cache-control": "max-age=0", ...fields })!.revalidatable > 0;

describe("stale responses (RFC 9111, section 4.2.4; RFC 5861)", () => {
  it("serve for as long as their own directives say", () => {
    const fields = { "cache-control": "max-age=10, stale-while-revalidate=5, stale-if-error=50" };
    expect(windows(fields)).to.deep.equal({
      fresh: 10 * SECOND,
      whileRevalidating: 15 * SECOND,
      ifError: 60 * SECOND,
      revalidatable: 10 * SECOND,
    });
  });

  it("serve for as long as the options say where they say nothing", () => {
    const rules = { staleWhileRevalidate: 7 * SECOND, staleIfError: 9 * SECOND };
    expect(windows({ "cache-control": "max-age=10" }, rules)).to.deep.equal({
      fresh: 10 * SECOND,
      whileRevalidating: 17 * SECOND,
      ifError: 19 * SECOND,
      revalidatable: 10 * SECOND,
    });
    const none = { "cache-control": "max-age=10, stale-while-revalidate=0, stale-if-error=x" };
    expect(windows(none, rules)?.whileRevalidating).to.equal(10 * SECOND);
    expect(windows(none, rules)?.ifError).to.equal(10 * SECOND);
  });

  for (const directive of ["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=10"]) {
    it(`do not serve under ${directive}, whatever the options say`, () => {
      const fields = { "cache-control": `max-age=10, stale-if-error=50, ${directive}` };
      const { fresh, whileRevalidating, ifError } = windows(fields, { staleIfError: DAY })!;
      expect(forbidsStale(controls(fields))).to.equal(true);
      expect(whileRevalidating).to.equal(fresh);
      expect(ifError).to.equal(fresh);
    });
  }

  it("may serve under no-cache that names fields", () => {
    expect(forbidsStale(controls({ "cache-control": 'no-cache="a"' }))).to.equal(false);
  });

  it("count from the end of freshness, even if it lies in the past", () => {
    const fields = { "cache-control": "max-age=10, stale-if-error=30", age: "20" };
    expect(windows(fields)).to.include({ fresh: 0, ifError: 20 * SECOND });
  });

  it("are never fresh under no-cache, but kept for their validator", () => {
    const fields = { "cache-control": "no-cache, max-age=60", etag: '"a"' };
    expect(windows(fields)).to.deep.equal({
      fresh: 0,
      whileRevalidating: 0,
      ifError: 0,
      revalidatable: HOUR,
    });
  });

  it("are kept for a validator only if it is one", () => {
    expect(kept({ etag: "a" })).to.equal(false);
    expect(kept({ "last-modified": "yesterday" })).to.equal(false);
    expect(kept({ "last-modified": httpDate(NOW) })).to.equal(true);
  });

  it("are useless without lifetime, validator and stale time", () => {
    expect(isUseful(windows({ "cache-control": "max-age=0" })!)).to.equal(false);
    expect(isUseful(windows({ "cache-control": "max-age=0", etag: '"a"' })!)).to.equal(true);
    expect(isUseful(windows({ "cache-control": "max-age=0, stale-if-error=1" })!)).to.equal(true);
  });

  it("without any lifetime do not exist", () => {
    expect(windows({})).to.equal(undefined);
    expect(windows({}, { timeout: Infinity })?.fresh).to.equal(Infinity);
  });
});
