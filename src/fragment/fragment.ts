// A fragment in one rendering, from the tag that asks for it to its text.
import { FragmentError } from "../errors.js";
import type { MaybePromise } from "../store/store.js";
import type { FragmentClaim, FragmentRequest } from "./backend.js";

/** A block that is to run where it stands cannot be waited for there. */
export class AsynchronousBlockError extends FragmentError {}

/** A tag met by its engine. */
export interface Tag {
  readonly request: FragmentRequest;
  /** The digest of the request, where it takes waiting to know it. */
  readonly digest: Promise<string | undefined> | undefined;
  /** Runs the block where the tag stands. */
  here(): string;
  /** Keeps what the block needs, and gives what runs it when the template has gone on. */
  later(): () => MaybePromise<string>;
  /** The block cannot run later, because it uses what its template is about to change. */
  readonly eager: boolean;
}

/** A fragment met in a rendering, once for each key. */
export interface Fragment {
  request: FragmentRequest;
  readonly digest: Promise<string | undefined> | undefined;
  /** The fragment in whose block it was met first. */
  readonly parent: Fragment | undefined;
  /** Runs the block; of an eager tag, gives what it made. */
  block: () => MaybePromise<string>;
  readonly eager: boolean;
  /** The fragments in its block. */
  inner: Set<Fragment> | undefined;
  claim: FragmentClaim | undefined;
  /** What the block gave, with placeholders. */
  raw: string | undefined;
  text: string | undefined;
  /** Whether the text holds placeholders of a rendering around this one. */
  hasGuest: boolean;
  /** Whether its placeholders were changed, and its block has run again because of that. */
  state: "sound" | "damaged" | "repaired";
  /** Whether its text is being made: met again now, it holds itself. */
  expanding: boolean;
}

/** A fragment as it is met. */
export function makeFragment(tag: Tag, parent: Fragment | undefined): Fragment {
  return {
    request: tag.request,
    digest: tag.digest,
    parent,
    block: noBlock,
    eager: tag.eager,
    inner: undefined,
    claim: undefined,
    raw: undefined,
    text: undefined,
    hasGuest: false,
    state: "sound",
    expanding: false,
  };
}

/** Whether a fragment or one around it has a key. */
export function isWithin(fragment: Fragment | undefined, key: string): boolean {
  for (let around = fragment; around !== undefined; around = around.parent) {
    if (around.request.key === key) return true;
  }
  return false;
}

/** Says on an error which fragment it belongs to, the innermost one. */
export function blame(error: unknown, { request }: Fragment): unknown {
  if (error instanceof Error && !("fragment" in error) && Object.isExtensible(error)) {
    Object.defineProperty(error, "fragment", { value: request.key, configurable: true });
  }
  return error;
}

/** Runs something of a fragment, whose errors then say so. */
export async function blaming<T>(fragment: Fragment, run: () => MaybePromise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw blame(error, fragment);
  }
}

/** Completes the requests whose digests it takes waiting to know. */
export async function awaitDigests(level: readonly Fragment[]): Promise<void> {
  await Promise.all(
    level.map(async (fragment) => {
      const digest = (await fragment.digest) ?? fragment.request.digest;
      fragment.request = { ...fragment.request, digest };
    }),
  );
}

function noBlock(): string {
  return "";
}
