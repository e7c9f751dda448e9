// How long a response is fresh, how old it is, and how long it may serve when it is stale.
import { allows, concerned, seconds, type Controls } from "./cache-control.js";
import { entityTag, fieldText, parseHttpDate, type Fields, type ResponseFacts } from "./fields.js";

/** Until when a response may be used for what, in milliseconds from when it was there. */
export interface Windows {
  /** Served as it is. */
  readonly fresh: number;
  /** Served while it is revalidated (RFC 5861, section 3). */
  readonly whileRevalidating: number;
  /** Served when revalidating it fails (RFC 5861, section 4). */
  readonly ifError: number;
  /** Kept, because a 304 would make it fresh again. */
  readonly revalidatable: number;
}

/** What the options say of lifetimes, in milliseconds. */
export interface LifetimeRules {
  /** For a response that has no lifetime of its own; absent, such a response is not stored. */
  readonly timeout: number | undefined;
  readonly heuristic: boolean;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}

const SECOND = 1000;
const DAY = 86_400 * SECOND;

/** How long a stale response is kept for its validator. */
const KEPT_FOR_VALIDATION = 3600 * SECOND;

const MOST_AGE = 2_147_483_648;

/** RFC 9110, section 15.1: whose lifetime may be guessed. */
const HEURISTICALLY_CACHEABLE: ReadonlySet<number> = new Set([
  200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501,
]);

/**
 * The lifetime that a response carries, in milliseconds, from when it was made; `undefined` when
 * it carries none. What is malformed has ended (RFC 9111, section 4.2.1).
 */
export function ownLifetime(response: ResponseFacts, controls: Controls): number | undefined {
  const { directives, targeted } = controls;
  const given = seconds(directives, "s-maxage") ?? seconds(directives, "max-age");
  if (given !== undefined) return given * SECOND;
  // A targeted field replaces Expires as well (RFC 9213, section 2.2).
  const expires = targeted ? undefined : expiry(response);
  if (expires !== undefined) return expires;
  return directives.has("no-cache") && concerned(directives, "no-cache") === "all" ? 0 : undefined;
}

function expiry(response: ResponseFacts): number | undefined {
  const value = response.fields["expires"];
  if (value === undefined) return undefined;
  const times = (Array.isArray(value) ? value : [value]).map((line) => parseHttpDate(String(line)));
  const made = dateOf(response);
  return Math.max(0, Math.min(...times.map((time) => (time ?? made) - made)));
}

/** When a response was made: its `Date`, else when it was there. */
export function dateOf({ fields, receivedAt }: ResponseFacts): number {
  return parseHttpDate(fieldText(fields, "date")) ?? receivedAt;
}

/** A tenth of the time since the last change, where RFC 9111, section 4.2.2 lets one guess. */
export function guessedLifetime(response: ResponseFacts, controls: Controls): number | undefined {
  const { status, fields } = response;
  const guessable = HEURISTICALLY_CACHEABLE.has(status) || allows(controls.directives, "public");
  const modified = parseHttpDate(fieldText(fields, "last-modified"));
  if (!guessable || modified === undefined) return undefined;
  return Math.min(Math.max(0, dateOf(response) - modified) / 10, DAY);
}

/**
 * How old a response was when it was there, in milliseconds (RFC 9111, section 4.2.3). What the
 * application made itself, without `Age` and `Date`, was new.
 */
export function initialAge(response: ResponseFacts): number {
  const apparent = Math.max(0, response.receivedAt - dateOf(response));
  const passedOn = ageField(response.fields);
  if (passedOn === undefined) return apparent;
  const delay = Math.max(0, response.receivedAt - response.requestedAt);
  return Math.max(apparent, passedOn * SECOND + delay);
}

/** The first member of `Age`; what is malformed is ignored (RFC 9111, section 5.1). */
function ageField(fields: Fields): number | undefined {
  const first = fieldText(fields, "age")?.split(",", 1)[0]!.trim() ?? "";
  return /^\d+$/.test(first) ? Math.min(Number(first), MOST_AGE) : undefined;
}

/** Whole seconds for an `Age` field. */
export function ageSeconds(milliseconds: number): number {
  return Math.min(Math.max(0, Math.floor(milliseconds / SECOND)), MOST_AGE);
}

/** Whether a response may never be served stale (RFC 9111, sections 4.2.4 and 5.2.2). */
export function forbidsStale({ directives }: Controls): boolean {
  return (
    directives.has("must-revalidate") ||
    directives.has("proxy-revalidate") ||
    directives.has("s-maxage") ||
    revalidatesAlways(directives)
  );
}

function revalidatesAlways(directives: Controls["directives"]): boolean {
  return concerned(directives, "no-cache") === "all";
}

/** Whether a handler can be asked if a response still holds. */
export function hasValidator(fields: Fields): boolean {
  const modified = parseHttpDate(fieldText(fields, "last-modified"));
  return entityTag(fieldText(fields, "etag")) !== undefined || modified !== undefined;
}

/**
 * How long a response may be used for what; `undefined` when nothing says how long it lives. Its
 * own directives go before the options.
 */
export function windowsOf(
  response: ResponseFacts,
  controls: Controls,
  rules: LifetimeRules,
): Windows | undefined {
  const left = freshTime(response, controls, rules);
  if (left === undefined) return undefined;
  const fresh = revalidatesAlways(controls.directives) ? 0 : Math.max(0, left);
  const until = (name: string, option: number) => {
    if (forbidsStale(controls)) return fresh;
    const given = seconds(controls.directives, name);
    return Math.max(fresh, left + (given === undefined ? option : given * SECOND));
  };
  return {
    fresh,
    whileRevalidating: until("stale-while-revalidate", rules.staleWhileRevalidate),
    ifError: until("stale-if-error", rules.staleIfError),
    revalidatable: hasValidator(response.fields) ? fresh + KEPT_FOR_VALIDATION : fresh,
  };
}

/** Whether a response is of any use at all. */
export function isUseful(windows: Windows): boolean {
  return Math.max(windows.whileRevalidating, windows.ifError, windows.revalidatable) > 0;
}

function freshTime(
  response: ResponseFacts,
  controls: Controls,
  rules: LifetimeRules,
): number | undefined {
  const own = ownLifetime(response, controls);
  if (own !== undefined) return own - initialAge(response);
  if (rules.timeout !== undefined) return rules.timeout;
  const guessed = rules.heuristic ? guessedLifetime(response, controls) : undefined;
  return guessed === undefined ? undefined : guessed - initialAge(response);
}
