// What a rendering asks of the engine: one read a nesting level, one write a page.
import type { MaybePromise } from "../store/store.js";

/** A fragment asked for. */
export interface FragmentRequest {
  readonly name: string;
  readonly key: string;
  /** How long it is fresh, in milliseconds, `Infinity` for never expiring; else the cache's default. */
  readonly timeout: number | undefined;
  /** Names that outdate it, as the user wrote them. */
  readonly tags: readonly string[];
  /** What an entry must have been made from to be served; `undefined`: from anything. */
  readonly digest: string | undefined;
  /** `use` what is stored; `delete` it, and lead without ever finishing; or `skip` it this time. */
  readonly mode: "use" | "delete" | "skip";
  /** Milliseconds past the timeout in which it may be served while it is made anew. */
  readonly staleWhileRevalidate: number;
  /** Milliseconds past the timeout in which it may be served when making it anew fails. */
  readonly staleIfError: number;
}

/** The answer to a request. */
export type FragmentClaim = FragmentHit | FragmentLead | FragmentFollow;

/** The fragment is stored. */
export interface FragmentHit {
  readonly kind: "hit";
  readonly text: string;
  /** Present when the text is stale and this rendering is the one to make it anew, afterwards. */
  readonly renew: FragmentLead | undefined;
}

/**
 * The fragment is missing, and this rendering is the one to make it. Every lead ends with exactly
 * one of `finish`, `fail` and `release`; a finished one may be released instead of being written.
 */
export interface FragmentLead {
  readonly kind: "lead";
  /** A text to serve after `fail()`; what inherits from the lead then inherits that text's tags. */
  readonly spare: string | undefined;
  /** Runs the block within the computation, which carries the tags of all that is read in it. */
  run(block: () => MaybePromise<string>): MaybePromise<string>;
  /** This lead will not end before the other one has, and those that were claimed with it. */
  awaits(other: FragmentLead): void;
  /** The text holds another fragment, and so carries what that one carries. */
  inherit(inner: FragmentClaim): void;
  /** The text is made: those who wait get it. It is stored by `write()`. */
  finish(text: string): void;
  /** The block failed: so does it for those who wait, and nothing is stored. */
  fail(error: unknown): void;
  /** There is no text for others: those who wait run their own block, and nothing is stored. */
  release(): void;
}

/** The fragment is being made by another rendering of this process. */
export interface FragmentFollow {
  readonly kind: "follow";
  /**
   * Waits for the text. Resolves to `undefined` when there will be none, rejects with the error of
   * the block.
   *
   * @param holding leads that are not ended before the wait is over
   * @returns `undefined`, without waiting, when the other rendering waits for one of `holding`
   */
  join(holding: readonly FragmentLead[]): Promise<string | undefined> | undefined;
  /** A lead for this rendering alone, instead of waiting: its text is not stored. */
  aside(): FragmentLead;
}

/** What the engine provides. Nothing here throws or rejects, whatever the store does, but in strict mode. */
export interface FragmentBackend {
  /** A fragment that is in this process's memory, without waiting. */
  peek(request: FragmentRequest): FragmentHit | undefined;
  /** Reads fragments in one round trip; what is read leaves its tags on the computation around it. */
  read(requests: readonly FragmentRequest[]): Promise<readonly FragmentClaim[]>;
  /** Stores finished leads in one write; does not wait for a store that takes long. */
  write(leads: readonly FragmentLead[]): Promise<void>;
  /** Makes a stale fragment anew, in the background. */
  renew(lead: FragmentLead, make: () => Promise<string>): void;
}
