// The one AsyncLocalStorage of the process: which request is served and which computation runs.
import { AsyncLocalStorage } from "node:async_hooks";
import type { Carried } from "./entry.js";

/** What a computation has read so far; its result will carry all of it. */
export class Scope {
  readonly #carried: Map<string, string> = new Map();
  readonly #home: object;
  #closed = false;
  /** The computations whose results this one is waiting for. */
  readonly waits: Set<Scope> = new Set();

  /** `home` is what the tags belong to: another cache's tags of the same names are other tags. */
  constructor(home: object) {
    this.#home = home;
  }

  /** Takes over the tags of something read, with the marks they had when that was computed. */
  carry(carried: readonly Carried[], home: object): void {
    if (home !== this.#home || this.#closed) return;
    for (const { tag, mark } of carried) {
      const known = this.#carried.get(tag);
      this.#carried.set(tag, known === undefined ? mark : agreed(known, mark));
    }
  }

  /** The computation is over: what goes on in its asynchronous chain is not read for its result. */
  close(): void {
    this.#closed = true;
  }

  /** Everything carried so far. */
  get carried(): readonly Carried[] {
    return Array.from(this.#carried, ([tag, mark]) => ({ tag, mark }));
  }

  /** Whether this computation waits, directly or not, for the other one. */
  reaches(other: Scope): boolean {
    // A Set is iterated to what is added meanwhile, so this walks without a stack.
    const reached = new Set<Scope>([this]);
    for (const scope of reached) {
      if (scope === other) return true;
      for (const next of scope.waits) reached.add(next);
    }
    return false;
  }
}

/** The mark of a version that changed during the computation: what carries it is dead on arrival. */
export const OVERTAKEN = "";

/** The mark of a version that could be neither read nor made: what carries it is not stored. */
export const UNKNOWN = "?";

/** Whether no version has a mark. */
export function isDead(mark: string): boolean {
  return mark === OVERTAKEN || mark === UNKNOWN;
}

function agreed(one: string, other: string): string {
  if (one === other) return one;
  return one === UNKNOWN || other === UNKNOWN ? UNKNOWN : OVERTAKEN;
}

/** The request that a call belongs to. `context` is Koa's, known to `request/` alone. */
export interface RequestScope {
  readonly context: unknown;
  /** The path of the URL as the client sent it, without the query. */
  readonly path: string;
}

/** What is known of a call from the asynchronous chain it stands in. */
export interface Frame {
  readonly request: RequestScope | undefined;
  readonly scope: Scope | undefined;
  /** Where in a rendering of templates it stands; known to `fragment/` alone. */
  readonly rendering: object | undefined;
}

// Shared by all copies of this module in a process: two copies would be two contexts.
const REGISTRY = Symbol.for("koa-caching.frames.1");
const shared = globalThis as { [REGISTRY]?: AsyncLocalStorage<Frame> };

/** The storage itself. */
export const frames: AsyncLocalStorage<Frame> = (shared[REGISTRY] ??= new AsyncLocalStorage());
