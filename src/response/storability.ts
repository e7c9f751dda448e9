// Whether a response may be stored and shared, and if not, why (RFC 9111, section 3).
import { allows, concerned, type Controls, type Directives } from "./cache-control.js";
import { fieldNames, fieldText, type Fields, type RequestFacts } from "./fields.js";

/** Why a response is not stored: a word for the `detail` of `Cache-Status`. */
export type NotStored =
  | "unparsable"
  | "no-store"
  | "private"
  | "set-cookie"
  | "authorization"
  | "vary"
  | "partial"
  | "status"
  | "no-lifetime"
  | "event-stream"
  | "method"
  | "request-body"
  | "responded"
  | "body"
  | "content-length"
  | "too-large"
  | "aborted"
  | "unkeyed";

/** Whose statuses are stored: those of a list, all final ones, or, absent, the usual. */
export type Statuses = ReadonlySet<number> | "all" | undefined;

/** What the options say of storing. */
export interface StorageRules {
  readonly statuses: Statuses;
  readonly storeSetCookie: boolean;
}

/** The usual statuses: with a lifetime of their own these, by the `timeout` option 200 alone. */
const USUAL: ReadonlySet<number> = new Set([200, 203, 301, 308, 404, 410]);

/** Whose caching requirements are known here (RFC 9111, section 5.2.2.3). */
const UNDERSTOOD: ReadonlySet<number> = new Set([
  200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 410, 414, 421, 451, 500,
  501, 502, 503, 504,
]);

/**
 * Why the directives, the status or the fields of a response forbid storing it; `undefined` when
 * they do not. `fields` holds `Set-Cookie` only where the handlers set it.
 */
export function whyNotStored(
  request: RequestFacts,
  response: { readonly status: number; readonly fields: Fields },
  controls: Controls,
  rules: StorageRules,
): NotStored | undefined {
  const { directives } = controls;
  const { status, fields } = response;
  if (status === 206 || fields["content-range"] !== undefined) return "partial";
  if (forbidsStoring(directives, status)) return "no-store";
  if (concerned(directives, "private") === "all") return "private";
  if (fields["set-cookie"] !== undefined && !rules.storeSetCookie) return "set-cookie";
  if (request.fields["authorization"] !== undefined && !allowsAuthorized(directives)) {
    return "authorization";
  }
  if (varyNames(fields) === undefined) return "vary";
  return isEventStream(fields) ? "event-stream" : undefined;
}

/** `must-understand` overrides `no-store` where the status is understood (section 5.2.2.3). */
function forbidsStoring(directives: Directives, status: number): boolean {
  const understood = UNDERSTOOD.has(status);
  if (directives.has("must-understand") && !understood) return true;
  return directives.has("no-store") && !(allows(directives, "must-understand") && understood);
}

/** Whether the answer to a request with `Authorization` may be shared (RFC 9111, section 3.5). */
export function allowsAuthorized(directives: Directives): boolean {
  return (
    allows(directives, "public") ||
    directives.has("s-maxage") ||
    allows(directives, "must-revalidate")
  );
}

/** The field names of `Vary`; `undefined` when it is `*` or malformed: nothing selects then. */
export function varyNames(fields: Fields): readonly string[] | undefined {
  const names = fieldNames(fieldText(fields, "vary") ?? "");
  return names === undefined || names.includes("*") ? undefined : names;
}

function isEventStream(fields: Fields): boolean {
  return /^\s*text\/event-stream\b/i.test(fieldText(fields, "content-type") ?? "");
}

/** Whether a status is stored; `own` tells whether the response carries its own lifetime. */
export function isStoredStatus(status: number, own: boolean, statuses: Statuses): boolean {
  // A 304 is no response of its own, and a 1xx is none yet.
  if (status < 200 || status === 304 || status === 206) return false;
  if (statuses === "all") return own || status === 200;
  if (statuses !== undefined) return statuses.has(status);
  return own ? USUAL.has(status) : status === 200;
}

const CONNECTION_FIELDS: readonly string[] = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** RFC 9111, section 3.1: meant for a proxy, not for who is behind a shared cache. */
const PROXY_FIELDS: readonly string[] = [
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
];

const NEVER_STORED: ReadonlySet<string> = new Set([...CONNECTION_FIELDS, ...PROXY_FIELDS, "age"]);

/**
 * The fields of a response that are not stored with it: those of the connection, those that
 * `Connection`, `no-cache="…"` and `private="…"` name, and `Age`, which is calculated.
 */
export function unstoredFields(fields: Fields, directives: Directives): ReadonlySet<string> {
  const named = (["no-cache", "private"] as const).flatMap((name) => {
    const names = concerned(directives, name);
    return names === "all" ? [] : names;
  });
  const connection = fieldText(fields, "connection");
  if (connection === undefined && named.length === 0) return NEVER_STORED;
  const others = (connection ?? "").toLowerCase().split(",");
  return new Set([...NEVER_STORED, ...others.map((name) => name.trim()), ...named]);
}
