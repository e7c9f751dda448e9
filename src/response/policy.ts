// The policy of a page: its options settled once, and the judgement of a response in one place.
import { OptionError, show } from "../errors.js";
import { readControls } from "./cache-control.js";
import { fieldText, isToken, type RequestFacts, type ResponseFacts } from "./fields.js";
import {
  forbidsStale,
  isUseful,
  ownLifetime,
  windowsOf,
  type LifetimeRules,
  type Windows,
} from "./freshness.js";
import {
  allowsAuthorized,
  isStoredStatus,
  unstoredFields,
  varyNames,
  whyNotStored,
  type NotStored,
  type Statuses,
} from "./storability.js";

/** The options of `page()` and of views that say what is stored; each documented by its default. */
export interface PolicyOptions {
  /**
   * Request header fields that the response depends on, as `Vary` would name them; a single cookie
   * as `"cookie:theme"`.
   * @default []
   */
  readonly vary?: readonly string[] | undefined;
  /**
   * Which statuses are stored; `"all"` stores any final status that carries its own lifetime.
   * @default 200, 203, 301, 308, 404 and 410 with a lifetime of their own, otherwise 200 alone
   */
  readonly statuses?: readonly number[] | "all" | undefined;
  /**
   * The largest body that is stored, in bytes.
   * @default 1048576
   */
  readonly maxBytes?: number | undefined;
  /**
   * Targeted fields that are obeyed before `Cache-Control`, the first that is there
   * (RFC 9213): `["CDN-Cache-Control"]`.
   * @default []
   */
  readonly targets?: readonly string[] | undefined;
  /**
   * Whether a lifetime may be guessed from `Last-Modified` (RFC 9111, section 4.2.2).
   * @default false
   */
  readonly heuristic?: boolean | undefined;
  /**
   * Whether responses with `Set-Cookie` are stored, cookies included: for a cache in front of a
   * proxy whose origin says so.
   * @default false
   */
  readonly storeSetCookie?: boolean | undefined;
  /**
   * Whether clients may force a miss by `Cache-Control: no-cache` and its kin.
   * @default false
   */
  readonly obeyClient?: boolean | undefined;
}

/** The names of these options, for checking. */
export const POLICY_OPTIONS: readonly string[] = [
  "vary",
  "statuses",
  "maxBytes",
  "targets",
  "heuristic",
  "storeSetCookie",
  "obeyClient",
];

/** The options settled. */
export interface Policy {
  readonly vary: readonly string[];
  readonly statuses: Statuses;
  readonly maxBytes: number;
  readonly targets: readonly string[];
  readonly heuristic: boolean;
  readonly storeSetCookie: boolean;
  readonly obeyClient: boolean;
}

const MEBIBYTE = 1_048_576;

/** @throws {OptionError} for a value that an option cannot have. */
export function settlePolicy(options: PolicyOptions): Policy {
  const { statuses, maxBytes = MEBIBYTE } = options;
  if (!Number.isInteger(maxBytes) || maxBytes < 0) {
    throw new OptionError(`maxBytes must be a whole number from 0 up; got ${show(maxBytes)}.`);
  }
  return {
    vary: names(options.vary, "vary"),
    statuses: statuses === undefined || statuses === "all" ? statuses : statusSet(statuses),
    maxBytes,
    targets: names(options.targets, "targets"),
    heuristic: flag(options.heuristic, "heuristic"),
    storeSetCookie: flag(options.storeSetCookie, "storeSetCookie"),
    obeyClient: flag(options.obeyClient, "obeyClient"),
  };
}

function names(given: unknown, option: "vary" | "targets"): readonly string[] {
  const list = given ?? [];
  const isName = (name: unknown) => typeof name === "string" && isFieldName(name, option);
  if (Array.isArray(list) && list.every(isName)) return list.map(lowerName);
  throw new OptionError(
    `${option} must be a list of header field names such as "Accept-Language"` +
      `${option === "vary" ? ' or cookies such as "cookie:theme" ("*" is never stored)' : ""}; ` +
      `got ${show(Array.isArray(list) ? list.find((name) => !isName(name)) : list)}.`,
  );
}

function isFieldName(name: string, option: "vary" | "targets"): boolean {
  const cookie = option === "vary" && /^cookie:/i.test(name);
  return name !== "*" && isToken(cookie ? name.slice("cookie:".length) : name);
}

/** Field names have no case, the names of cookies have. */
function lowerName(name: string): string {
  const [field, cookie] = name.split(":", 2) as [string, string?];
  return cookie === undefined ? field.toLowerCase() : `${field.toLowerCase()}:${cookie}`;
}

function statusSet(statuses: unknown): ReadonlySet<number> {
  if (Array.isArray(statuses) && statuses.every(isFinal)) return new Set(statuses);
  throw new OptionError(
    `statuses must be "all" or a list of final status codes, 200 to 599; got ${show(statuses)}.`,
  );
}

function isFinal(status: unknown): boolean {
  return Number.isInteger(status) && Number(status) >= 200 && Number(status) <= 599;
}

function flag(value: unknown, option: string): boolean {
  if (value === undefined || typeof value === "boolean") return value ?? false;
  throw new OptionError(`${option} must be true or false; got ${show(value)}.`);
}

/** A response that may be stored and shared. */
export interface Storable {
  readonly windows: Windows;
  /** Whether it may answer a request with `Authorization`. */
  readonly authorized: boolean;
  /** Whether it may be served stale at all. */
  readonly mayBeStale: boolean;
  /** What it varies on by its own `Vary`. */
  readonly vary: readonly string[];
  /** The fields that are not stored with it. */
  readonly unstored: ReadonlySet<string>;
}

/** Judges a response: what is stored of it and for how long, or the word that says why not. */
export function judgeResponse(
  request: RequestFacts,
  response: ResponseFacts,
  policy: Policy,
  lifetimes: LifetimeRules,
): Storable | NotStored {
  const controls = readControls(response.fields, policy.targets);
  if (controls === "unparsable") return controls;
  const own = ownLifetime(response, controls) !== undefined;
  const refusal = whyNotStored(request, response, controls, policy);
  if (refusal !== undefined) return refusal;
  if (!isStoredStatus(response.status, own, policy.statuses)) return "status";
  const windows = windowsOf(response, controls, lifetimes);
  if (windows === undefined || !isUseful(windows)) return "no-lifetime";
  return {
    windows,
    authorized: allowsAuthorized(controls.directives),
    mayBeStale: !forbidsStale(controls),
    vary: varyNames(response.fields)!,
    unstored: unstoredFields(response.fields, controls.directives),
  };
}

/** Whether a `Content-Length` that was set is the length of the body. */
export function lengthAgrees(fields: ResponseFacts["fields"], bytes: number): boolean {
  const length = fieldText(fields, "content-length");
  return length === undefined || length === String(bytes);
}
