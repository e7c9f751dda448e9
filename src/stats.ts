// Counts of what happened, in all and for each wrapped function.

/** Counts since the cache was made. */
export interface Counts {
  hits: number;
  misses: number;
  stale: number;
  writes: number;
  errors: number;
}

/** Counts with the share of calls that were answered from the cache, 0 while there were none. */
export interface CountsWithRatio extends Readonly<Counts> {
  readonly hitRatio: number;
}

/** What `cache.stats()` gives: the counts in all, and for each wrapped function by its name. */
export interface CacheStats extends CountsWithRatio {
  readonly functions: ReadonlyMap<string, CountsWithRatio>;
}

/** The counters of one cache. */
export class Stats {
  readonly #functions = new Map<string, Counts>();
  /** What belongs to no function: `get`, `set`, failures of the store. */
  readonly direct: Counts = zero();

  /** The counter of a function; functions of one name share it. */
  of(name: string): Counts {
    const counts = this.#functions.get(name) ?? zero();
    this.#functions.set(name, counts);
    return counts;
  }

  snapshot(): CacheStats {
    const all = [this.direct, ...this.#functions.values()].reduce(add, zero());
    const functions = new Map(Array.from(this.#functions, ([name, c]) => [name, withRatio(c)]));
    return { ...withRatio(all), functions };
  }
}

function zero(): Counts {
  return { hits: 0, misses: 0, stale: 0, writes: 0, errors: 0 };
}

function add(left: Counts, right: Counts): Counts {
  return {
    hits: left.hits + right.hits,
    misses: left.misses + right.misses,
    stale: left.stale + right.stale,
    writes: left.writes + right.writes,
    errors: left.errors + right.errors,
  };
}

function withRatio(counts: Counts): CountsWithRatio {
  const served = counts.hits + counts.stale;
  const asked = served + counts.misses;
  return { ...counts, hitRatio: asked === 0 ? 0 : served / asked };
}
