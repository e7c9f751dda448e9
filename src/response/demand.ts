// What a request asks of the cache: whether it may be answered from it, and what its client wants.
import { parseCacheControl, pragma, seconds, type Directives } from "./cache-control.js";
import { fieldText, type Fields, type RequestFacts } from "./fields.js";
import { isUnsafe } from "./invalidation.js";

/**
 * What is done with a request: `lookup`; `read`, which looks without storing what it finds missing;
 * or one of the reasons to leave the cache alone.
 */
export type Approach = "lookup" | "read" | "unsafe" | "method" | "request-body" | "precondition";

/** What is done with a request, from its method and fields alone. */
export function approachTo({ method, fields }: RequestFacts): Approach {
  if (isUnsafe(method)) return "unsafe";
  if (method !== "GET" && method !== "HEAD") return "method";
  if (hasContent(fields)) return "request-body";
  // RFC 9110, section 13.2.1: these are for the origin to evaluate.
  const conditioned = fields["if-match"] ?? fields["if-unmodified-since"];
  if (conditioned !== undefined) return "precondition";
  // A part is never stored, and the answer to HEAD has no body; both are answered from a whole.
  return method === "HEAD" || fields["range"] !== undefined ? "read" : "lookup";
}

/** Whether a request carries content, which a cache does not key by (RFC 9110, section 9.3.1). */
export function hasContent(fields: Fields): boolean {
  const length = fieldText(fields, "content-length");
  return (
    fields["transfer-encoding"] !== undefined || (length !== undefined && !/^0+$/.test(length))
  );
}

/** What the client wants (RFC 9111, section 5.2.1), in milliseconds; `undefined`: it does not say. */
export interface Demand {
  /** Nothing that has not been validated now. */
  readonly reload: boolean;
  /** That the answer is not stored. */
  readonly noStore: boolean;
  /** An answer from the cache, or none. */
  readonly onlyIfCached: boolean;
  readonly maxAge: number | undefined;
  readonly minFresh: number | undefined;
  /** `Infinity`: however stale. */
  readonly maxStale: number | undefined;
  readonly staleIfError: number | undefined;
}

/** The demand of a client that is not obeyed, and of one that wants nothing. */
const NO_DEMAND: Demand = {
  reload: false,
  noStore: false,
  onlyIfCached: false,
  maxAge: undefined,
  minFresh: undefined,
  maxStale: undefined,
  staleIfError: undefined,
};

/**
 * The demand of a request. `only-if-cached` costs nobody anything and is always honoured, the rest
 * only where clients are obeyed; a field that cannot be read then means `no-cache`.
 */
export function demandOf(fields: Fields, obey: boolean): Demand {
  const text = fieldText(fields, "cache-control") ?? (obey ? pragma(fields) : "");
  if (text === "") return NO_DEMAND;
  const directives = parseCacheControl(text);
  if (directives === "unparsable") return { ...NO_DEMAND, reload: obey };
  const onlyIfCached = directives.has("only-if-cached");
  return obey ? obeyed(directives, onlyIfCached) : { ...NO_DEMAND, onlyIfCached };
}

function obeyed(directives: Directives, onlyIfCached: boolean): Demand {
  return {
    reload: directives.has("no-cache"),
    noStore: directives.has("no-store"),
    onlyIfCached,
    maxAge: milliseconds(directives, "max-age"),
    minFresh: minFresh(directives),
    maxStale: maxStale(directives),
    staleIfError: milliseconds(directives, "stale-if-error"),
  };
}

function milliseconds(directives: Directives, name: string): number | undefined {
  const given = seconds(directives, name);
  return given === undefined ? undefined : given * 1000;
}

/** The stricter reading of several or malformed `min-fresh` is the larger. */
function minFresh(directives: Directives): number | undefined {
  const given = directives.get("min-fresh");
  const each = given?.map((argument) =>
    /^\d+$/.test(argument ?? "") ? Number(argument) : Infinity,
  );
  return each === undefined ? undefined : Math.max(...each) * 1000;
}

function maxStale(directives: Directives): number | undefined {
  const given = directives.get("max-stale");
  return given?.every((argument) => argument === undefined)
    ? Infinity
    : milliseconds(directives, "max-stale");
}

/** A stored response at this moment, in milliseconds. */
export interface Standing {
  readonly age: number;
  /** How long it is still fresh; negative when it is stale. */
  readonly left: number;
  readonly mayBeStale: boolean;
}

/** Whether the client takes a stored response as it stands (RFC 9111, section 5.2.1). */
export function isAccepted(demand: Demand, { age, left, mayBeStale }: Standing): boolean {
  if (demand.reload) return false;
  if (demand.maxAge !== undefined && age > demand.maxAge) return false;
  if (demand.minFresh !== undefined && left < demand.minFresh) return false;
  return left > 0 || (mayBeStale && -left <= (demand.maxStale ?? -1));
}
