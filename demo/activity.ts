// What each request took from the cache, what it had computed, and how long it took.
import { type Cache, type CacheEvent, tryCurrentContext } from "koa-caching";
import type { Middleware } from "koa";

/** The calls of one wrapped function during one request. */
export interface Calls {
  readonly name: string;
  readonly key: string;
  readonly hits: number;
  readonly misses: number;
  /** Seconds spent computing, in what the function itself called too. */
  readonly seconds: number;
}

/** What a cache did for one request. */
export class Activity {
  readonly #startedAt = performance.now();
  readonly #calls = new Map<string, Calls>();

  /** Counts a hit or a miss. */
  note(kind: "hits" | "misses", { name = "", key = "", duration = 0 }: CacheEvent): void {
    const before = this.#calls.get(name) ?? { name, key, hits: 0, misses: 0, seconds: 0 };
    const seconds = kind === "misses" ? before.seconds + duration : before.seconds;
    this.#calls.set(name, { ...before, [kind]: before[kind] + 1, seconds });
  }

  /** The calls so far, the slowest first. */
  calls(): readonly Calls[] {
    return [...this.#calls.values()].toSorted((a, b) => b.seconds - a.seconds);
  }

  /** How many values came from the cache so far. */
  hits(): number {
    return this.calls().reduce((sum, { hits }) => sum + hits, 0);
  }

  /** How many values were computed so far. */
  misses(): number {
    return this.calls().reduce((sum, { misses }) => sum + misses, 0);
  }

  /** Milliseconds since the request came in. */
  elapsed(): number {
    return performance.now() - this.#startedAt;
  }
}

/** What the middleware of the demo leaves in `ctx.state`. */
export interface DemoState {
  activity: Activity;
}

/** Gives each request an `Activity`, fed by the events of the cache, and sends its totals. */
export function recordActivity(cache: Cache): Middleware<DemoState> {
  const activities = new WeakMap<object, Activity>();
  const note = (kind: "hits" | "misses") => (event: CacheEvent) => {
    const ctx = tryCurrentContext();
    if (ctx !== undefined) activities.get(ctx)?.note(kind, event);
  };
  cache.on("hit", note("hits"));
  cache.on("stale", note("hits"));
  cache.on("miss", note("misses"));
  return async (ctx, next) => {
    const activity = new Activity();
    activities.set(ctx, activity);
    ctx.state.activity = activity;
    await next();
    ctx.set("Server-Timing", serverTiming(activity));
  };
}

function serverTiming(activity: Activity): string {
  const cached = `hits;desc="${activity.hits()}", misses;desc="${activity.misses()}"`;
  return `${cached}, total;dur=${activity.elapsed().toFixed(1)}`;
}
