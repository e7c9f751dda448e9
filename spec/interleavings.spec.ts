// Random interleavings: whatever happens in whatever order, nothing outdated is served.
import { expect } from "chai";
import { cachingId } from "../src/index.js";
import { CacheOver } from "./support/cache-over.js";
import { openStore } from "../src/store/open.js";
import type { Store } from "../src/store/store.js";
import { openingOptions } from "./support/opening.js";
import { ScheduledKeyv } from "./support/scheduled-keyv.js";
import { ScheduledStore, SharedMemory } from "./support/scheduled-store.js";
import { Scheduler } from "./support/scheduler.js";

/** One run of one function, which is part of every value that was built from its result. */
interface Part {
  readonly id: number;
  readonly name: string;
  /** The name with the argument. */
  readonly call: string;
  readonly tags: readonly string[];
  /** The process that ran it. */
  readonly home: number;
  readonly started: number;
  /** When an entry made of it was handed to the store, its tags known. */
  written: number;
}

/** A value tells which runs it was built from, its own run first. */
type Value = readonly number[];

/** Something that outdates parts of values. */
interface Invalidation {
  readonly what: string;
  readonly home: number;
  readonly begun: number;
  ended: number;
  /** Whether it concerns a part of a value; `top` if the part is the value's own run. */
  readonly concerns: (part: Part, top: boolean) => boolean;
  /** Across processes it only concerns what had been written before. */
  readonly weakAcross: boolean;
  /** It means nothing in other processes. */
  readonly local: boolean;
}

/** Opens the stores of the processes of one run, which share what they store. */
type Share = (scheduler: Scheduler) => () => Store;

const STORES: Readonly<Record<string, Share>> = {
  "any store": (scheduler) => {
    const memory = new SharedMemory();
    return () => new ScheduledStore(memory, scheduler);
  },
  "a Keyv": (scheduler) => {
    const texts = new Map<string, string>();
    return () =>
      openStore(openingOptions({ store: new ScheduledKeyv(texts, scheduler), strict: false }));
  },
  memory: () => () => openStore(openingOptions({ store: "memory:" })),
};

const IDS = [1, 2];

/** All that a run of the interleavings consists of. */
class World {
  readonly scheduler: Scheduler;
  readonly parts: Part[] = [];
  readonly invalidations: Invalidation[] = [];
  readonly log: string[] = [];
  readonly processes: readonly Process[];
  calls = 0;
  circles = 3;

  constructor(seed: number, processes: number, share: Share) {
    this.scheduler = new Scheduler(seed);
    const open = share(this.scheduler);
    this.processes = Array.from({ length: processes }, (_, home) => new Process(this, home, open));
  }

  /** Calls something and checks that nothing outdated is served. */
  async call({ home, calls }: Process, name: string, id: number): Promise<void> {
    const begun = this.scheduler.now();
    this.calls += 1;
    const value = await calls[name]!(id);
    for (const invalidation of this.invalidations) {
      const known = invalidation.home === home || !invalidation.local;
      if (known && invalidation.ended < begun) this.#check(`${name} ${id}`, value, invalidation);
    }
  }

  #check(what: string, value: Value, invalidation: Invalidation): void {
    const { home, begun, concerns, local, weakAcross } = invalidation;
    for (const [index, id] of value.entries()) {
      const part = this.parts[id]!;
      if (part.started > begun || !concerns(part, index === 0)) continue;
      const foreign = part.home !== home;
      if (foreign && (local || (weakAcross && part.written > begun))) continue;
      throw new Error(
        `${what} gave ${part.call}, run by process ${part.home} from ${part.started} on ` +
          `(written ${part.written}), after ${invalidation.what} in process ${home} ` +
          `from ${begun} to ${invalidation.ended}`,
      );
    }
  }

  async invalidate(
    what: string,
    home: number,
    rule: Pick<Invalidation, "concerns"> & Partial<Invalidation>,
    run: () => Promise<unknown>,
  ): Promise<void> {
    const begun = this.scheduler.now();
    const defaults = { weakAcross: false, local: false };
    const invalidation = { ...defaults, ...rule, what, home, begun, ended: Infinity };
    this.invalidations.push(invalidation);
    await run();
    invalidation.ended = this.scheduler.now();
  }
}

/** One process: a cache of its own over the shared store, with functions of the shared names. */
class Process {
  readonly world: World;
  readonly home: number;
  readonly cache: CacheOver;

  constructor(world: World, home: number, open: () => Store) {
    this.world = world;
    this.home = home;
    const { scheduler } = world;
    const store = open();
    const write = store.write.bind(store);
    store.write = (entries) => {
      for (const { held } of entries) {
        const [id] = held.give() as Value;
        world.parts[id!]!.written = scheduler.now();
      }
      return write(entries);
    };
    this.cache = new CacheOver(store);
  }

  /** Runs a function's body, and remembers that. */
  async #run(
    name: string,
    id: number,
    body: () => Promise<readonly Value[]>,
    tags: readonly string[] = [],
  ): Promise<Value> {
    const { parts, scheduler } = this.world;
    const started = scheduler.now();
    const call = `${name}(${id})`;
    const part = {
      id: parts.length,
      name,
      call,
      tags,
      home: this.home,
      started,
      written: Infinity,
    };
    parts.push(part);
    await scheduler.pause();
    const nested = await body();
    if (scheduler.random() < 0.5) await scheduler.pause();
    return [part.id, ...nested.flat()];
  }

  readonly #nothing = async (): Promise<readonly Value[]> => [];

  readonly leaf = (() => {
    const run = (id: number): Promise<Value> => this.#run("leaf", id, this.#nothing);
    return this.#lazily((cache) => cache.memoize({ name: "leaf" }, run));
  })();

  readonly fixed = (() => {
    const run = (id: number): Promise<Value> => this.#run("fixed", id, this.#nothing, ["fixed"]);
    return this.#lazily((cache) => cache.memoize({ name: "fixed", tags: ["fixed"] }, run));
  })();

  readonly tagged = (() => {
    const tags = (id: number): string[] => [`item:${id}`];
    const run = (id: number): Promise<Value> => this.#run("tagged", id, this.#nothing, tags(id));
    const options = { name: "tagged", tags: (_value: Value, id: number) => tags(id) };
    return this.#lazily((cache) => cache.memoize(options, run));
  })();

  readonly outer = (() => {
    const run = (id: number): Promise<Value> =>
      this.#run("outer", id, async () => {
        if (this.world.scheduler.random() < 0.5) {
          return Promise.all([this.leaf()(id), this.tagged()(id)]);
        }
        return [await this.leaf()(id), await this.tagged()(id), await this.fixed()(id)];
      });
    return this.#lazily((cache) => cache.memoize({ name: "outer" }, run));
  })();

  readonly top = (() => {
    const run = (id: number): Promise<Value> =>
      this.#run("top", id, async () => {
        const many = await this.many()(IDS);
        return [await this.outer()(id), ...many.values()] as Value[];
      });
    return this.#lazily((cache) => cache.memoize({ name: "top" }, run));
  })();

  readonly many = (() => {
    const tags = (id: number): string[] => [`item:${id}`];
    const load = async (ids: number[]): Promise<Map<number, Value>> => {
      const found = await Promise.all(
        ids.map((id) => this.#run("many", id, async () => [await this.leaf()(id)], tags(id))),
      );
      return new Map(ids.map((id, index) => [id, found[index]!]));
    };
    const options = { name: "many", tags: (_value: Value, id: number) => tags(id) };
    return this.#lazily((cache) => cache.memoizeMany<number, Value>(options, load));
  })();

  readonly ping: () => (id: number) => Promise<Value> = (() => {
    const run = (id: number): Promise<Value> =>
      this.#run("ping", id, () => this.#circle(this.pong, id));
    return this.#lazily((cache) => cache.memoize({ name: "ping" }, run));
  })();

  readonly pong: () => (id: number) => Promise<Value> = (() => {
    const run = (id: number): Promise<Value> =>
      this.#run("pong", id, () => this.#circle(this.ping, id));
    return this.#lazily((cache) => cache.memoize({ name: "pong" }, run));
  })();

  readonly user = (() => {
    const run = (id: number): Promise<Value> =>
      this.#run("load", id, async () => [await this.fixed()(id)]);
    return this.#lazily((cache) => {
      class User {
        readonly id: number;
        constructor(id: number) {
          this.id = id;
        }
        [cachingId](): number {
          return this.id;
        }
        @cache.method({ name: "User.load" })
        async load(): Promise<Value> {
          return run(this.id);
        }
      }
      return User;
    });
  })();

  async #circle(next: () => (id: number) => Promise<Value>, id: number): Promise<readonly Value[]> {
    this.world.circles -= 1;
    return this.world.circles < 0 ? [] : [await next()(id)];
  }

  /** Fields are made before the cache is; functions are wrapped at their first use. */
  #lazily<T>(make: (cache: CacheOver) => T): () => T {
    let made: T | undefined;
    return () => (made ??= make(this.cache));
  }

  readonly calls: Readonly<Record<string, (id: number) => Promise<Value>>> = {
    leaf: (id) => this.leaf()(id),
    tagged: (id) => this.tagged()(id),
    outer: (id) => this.outer()(id),
    top: (id) => this.top()(id),
    ping: (id) => this.ping()(id),
    pong: (id) => this.pong()(id),
    load: (id) => new (this.user())(id).load(),
    many: async (id) => (await this.many()([id])).get(id)!,
    both: async () => [...(await this.many()(IDS)).values()].flat() as unknown as Value,
  };

  readonly invalidations: Readonly<Record<string, (id: number) => Promise<void>>> = {
    function: () => this.#forget("leaf", (cache) => cache.deleteMemoized(this.leaf())),
    version: () => this.#forget("fixed", (cache) => cache.deleteMemoizedVerhash(this.fixed())),
    circle: () => this.#forget("ping", (cache) => cache.deleteMemoized(this.ping())),
    many: () => this.#forget("many", (cache) => cache.deleteMemoized(this.many())),
    methods: () =>
      this.#forget("load", (cache) => cache.deleteMemoized(this.user().prototype.load)),
    instance: (id) =>
      this.#invalidate(
        `instance ${id}`,
        { concerns: ({ call }) => call === `load(${id})` },
        (cache) => cache.deleteMemoized(new (this.user())(id).load),
      ),
    fixed: () =>
      this.#invalidate("tag fixed", { concerns: ({ tags }) => tags.includes("fixed") }, (cache) =>
        cache.invalidateTags("fixed"),
      ),
    item: (id) =>
      this.#invalidate(
        `tag item:${id}`,
        { concerns: ({ tags }) => tags.includes(`item:${id}`), weakAcross: true },
        (cache) => cache.invalidateTags(`item:${id}`),
      ),
    clear: () => this.#invalidate("clear", { concerns: () => true }, (cache) => cache.clear()),
    key: (id) =>
      this.#invalidate(`deletion of leaf(${id})`, own(`leaf(${id})`), (cache) =>
        cache.deleteCall(this.leaf(), id),
      ),
    id: (id) =>
      this.#invalidate(`deletion of many(${id})`, own(`many(${id})`), () =>
        this.many().invalidate(id),
      ),
    refresh: (id) =>
      this.#invalidate(`refresh of leaf(${id})`, own(`leaf(${id})`), () => this.leaf().refresh(id)),
  };

  #forget(name: string, run: (cache: CacheOver) => Promise<unknown>): Promise<void> {
    return this.#invalidate(name, { concerns: (part) => part.name === name }, run);
  }

  async #invalidate(
    what: string,
    rule: Parameters<World["invalidate"]>[2],
    run: (cache: CacheOver) => Promise<unknown>,
  ): Promise<void> {
    await this.world.invalidate(what, this.home, rule, () => run(this.cache));
  }
}

/** Deleting or renewing one entry concerns that entry alone, and is fenced in its process alone. */
function own(call: string): Pick<Invalidation, "concerns" | "local"> {
  return { concerns: (part, top) => top && part.call === call, local: true };
}

/** Somebody who calls and invalidates by chance. */
async function act(world: World, process: Process): Promise<void> {
  const { scheduler } = world;
  for (let step = 0; step < 6; step += 1) {
    await scheduler.pause();
    const id = scheduler.pick(IDS);
    const isCall = scheduler.random() < 0.6;
    const name = scheduler.pick(Object.keys(isCall ? process.calls : process.invalidations));
    world.log.push(`process ${process.home}: ${name} ${id}`);
    if (isCall) await world.call(process, name, id);
    else await process.invalidations[name]!(id);
  }
}

/** When all is quiet, everything is kept: what is called twice is computed once. */
async function expectHits(world: World): Promise<void> {
  const calls = world.processes.flatMap((process) =>
    Object.keys(process.calls).map((name) => ({ process, name })),
  );
  for (let round = 0; round < 2; round += 1) {
    for (const { process, name } of calls) await world.call(process, name, 1);
  }
  const runs = world.parts.length;
  for (const { process, name } of calls) await world.call(process, name, 1);
  if (world.parts.length > runs) {
    throw new Error(`${world.parts.at(-1)!.call} was computed again though nothing had happened`);
  }
}

async function interleave(seed: number, processes: number, share: Share): Promise<World> {
  const world = new World(seed, processes, share);
  const { scheduler } = world;
  try {
    await scheduler.run(async () => {
      const actors = 2 + scheduler.below(4);
      await Promise.all(
        Array.from({ length: actors }, () => act(world, scheduler.pick(world.processes))),
      );
      await expectHits(world);
    });
  } catch (error) {
    const message = `Seed ${seed}, ${processes} processes: ${String(error)}\n${world.log.join("\n")}`;
    throw new Error(message, { cause: error });
  }
  return world;
}

/** `INTERLEAVINGS=first,count` runs others. */
const [FIRST = 1, COUNT = 250] = (process.env["INTERLEAVINGS"] ?? "")
  .split(",")
  .filter(Boolean)
  .map(Number);

describe("a thousand random interleavings never serve what was outdated", function () {
  this.timeout(COUNT * 200);

  const runs = Object.entries(STORES).flatMap(([name, share]) =>
    (name === "memory" ? [1] : [1, 2]).map((processes) => ({ name, share, processes })),
  );

  for (const { name, share, processes } of runs) {
    it(`on ${name}, in ${processes === 1 ? "one process" : "two processes"}`, async () => {
      let calls = 0;
      let computed = 0;
      for (let seed = FIRST; seed < FIRST + COUNT; seed += 1) {
        const world = await interleave(seed, processes, share);
        calls += world.calls;
        computed += world.parts.length;
      }
      // The runs would tell nothing if hardly anything had been computed, or kept.
      expect(calls).to.be.above(COUNT * 10);
      expect(computed).to.be.above(COUNT * 10);
    });
  }
});

describe("random interleavings without invalidations", () => {
  for (const name of ["any store", "a Keyv"]) {
    it(`compute every key once at a time, also while the first versions are made, on ${name}`, async () => {
      for (let seed = 1; seed <= 150; seed += 1) await stampede(seed, STORES[name]!);
    });
  }

  async function stampede(seed: number, share: Share): Promise<void> {
    const scheduler = new Scheduler(seed);
    const cache = new CacheOver(share(scheduler)());
    const running = new Set<string>();
    const functions = ["f", "g"].map((name) =>
      cache.memoize({ name, tags: ["shared"] }, async (id: number) => {
        const call = `${name}(${id})`;
        expect(running.has(call), `seed ${seed}: ${call} twice at a time`).to.equal(false);
        running.add(call);
        await scheduler.pause();
        await scheduler.pause();
        running.delete(call);
        return call;
      }),
    );
    await scheduler.run(async () => {
      const caller = async (): Promise<void> => {
        for (let call = 0; call < 3; call += 1) {
          await scheduler.pause();
          await scheduler.pick(functions)(scheduler.pick(IDS));
        }
      };
      await Promise.all(Array.from({ length: 8 }, caller));
    });
  }
});
