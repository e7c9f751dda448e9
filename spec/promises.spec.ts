import { expect } from "chai";
import { array, assert, asyncProperty, constantFrom, nat, record } from "fast-check";
import { clear, remove, set } from "../src/direct.js";
import type { CallOptions } from "../src/rules.js";
import { Process } from "./support/process.js";
import { RemoteStore } from "./support/remote-store.js";

/** Lets some turns of the event loop pass. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1)
    await new Promise<void>((done) => void setImmediate(done));
}

/** Processes on one server, each of whose operations takes a time of its own. */
function processes(count: number, delays: readonly number[]): readonly Process[] {
  let used = 0;
  const delay = (): Promise<void> => turns(delays[(used += 1) % delays.length]!);
  const server = new RemoteStore();
  return Array.from({ length: count }, () => {
    const store = new RemoteStore(server);
    store.before = delay;
    store.after = delay;
    return new Process(store);
  });
}

/**
 * A source of truth. Whoever changes it announces the change to the cache, and from the end of the
 * announcement on nobody may get anything older.
 */
class Source {
  current = 0;
  announced = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** Changes are made one after the other, as in a database. */
  change(announce: (now: number) => Promise<unknown>): Promise<unknown> {
    this.#last = this.#last.then(async () => {
      this.current += 1;
      const now = this.current;
      await announce(now);
      this.announced = now;
    });
    return this.#last;
  }

  /** Reads, and takes a time over it. */
  async read(cost: number): Promise<number> {
    const now = this.current;
    await turns(cost);
    return now;
  }
}

const delays = array(nat(5), { minLength: 20, maxLength: 20 });

describe("after an invalidation nothing computed before it is served", () => {
  const step = record({
    at: nat(12),
    process: nat(1),
    kind: constantFrom("ask", "ask", "ask", "nested", "refresh", "change"),
    cost: nat(6),
  });

  it("whoever asks, computes and invalidates in two processes, in whatever order", async () => {
    const property = asyncProperty(
      array(step, { minLength: 3, maxLength: 14 }),
      delays,
      async (steps, times) => {
        const source = new Source();
        const both = processes(2, times);
        const take = async ({ at, process, kind, cost }: (typeof steps)[number]): Promise<void> => {
          const one = both[process]!;
          const options: CallOptions = { tags: "tag" };
          const compute = (): Promise<number> => source.read(cost);
          await turns(at);
          if (kind === "change") return void (await source.change(() => one.invalidate("tag")));
          const least = source.announced;
          const inner = (): Promise<unknown> =>
            one.ask("key", compute, options, kind === "refresh" ? "renew" : "use");
          expect(await (kind === "nested" ? one.ask("outer", inner) : inner())).to.be.at.least(
            least,
          );
        };
        await Promise.all(steps.map(take));
      },
    );
    await assert(property, { numRuns: 500 });
  });

  it("nor of a tag that only the result names, in one process", async () => {
    const property = asyncProperty(
      array(step, { minLength: 3, maxLength: 14 }),
      delays,
      async (steps, times) => {
        const source = new Source();
        const [one] = processes(1, times) as [Process];
        const take = async ({ at, kind, cost }: (typeof steps)[number]): Promise<void> => {
          const options: CallOptions = { tags: async () => ["tag"] };
          await turns(at);
          if (kind === "change") return void (await source.change(() => one.invalidate("tag")));
          const least = source.announced;
          expect(await one.ask("key", () => source.read(cost), options)).to.be.at.least(least);
        };
        await Promise.all(steps.map(take));
      },
    );
    await assert(property, { numRuns: 500 });
  });
});

describe("after delete, set and clear nothing older is served in the process", () => {
  const step = record({
    at: nat(14),
    kind: constantFrom("ask", "ask", "ask", "refresh", "delete", "set", "clear"),
    cost: nat(8),
  });

  it("whatever is being computed, in whatever order", async () => {
    const property = asyncProperty(
      array(step, { minLength: 3, maxLength: 12 }),
      delays,
      async (steps, times) => {
        const source = new Source();
        const [one] = processes(1, times) as [Process];
        const { lookup } = one;
        const changes: Readonly<Record<string, (now: number) => Promise<unknown>>> = {
          delete: () => remove(lookup, ["key"]),
          set: (now) => set(lookup, [["key", now]], undefined),
          clear: () => clear(lookup),
        };
        const take = async ({ at, kind, cost }: (typeof steps)[number]): Promise<void> => {
          const change = changes[kind];
          await turns(at);
          if (change !== undefined) return void (await source.change(change));
          const least = source.announced;
          const intent = kind === "refresh" ? "renew" : "use";
          expect(await one.ask("key", () => source.read(cost), {}, intent)).to.be.at.least(least);
        };
        await Promise.all(steps.map(take));
        expect(await one.ask("key", () => source.read(0))).to.be.at.least(source.announced);
      },
    );
    await assert(property, { numRuns: 500 });
  });
});

describe("one computation a key at a time", () => {
  it("while nothing is invalidated or forced: every caller that overlaps it gets its result", async () => {
    const step = record({ at: nat(20), cost: nat(10) });
    const property = asyncProperty(
      array(step, { minLength: 2, maxLength: 12 }),
      delays,
      async (steps, times) => {
        const [one] = processes(1, times) as [Process];
        let runs = 0;
        const compute = async (cost: number): Promise<number> => {
          runs += 1;
          await turns(cost);
          return runs;
        };
        const ask = async ({ at, cost }: (typeof steps)[number]): Promise<unknown> => {
          await turns(at);
          return one.ask("key", () => compute(cost));
        };
        const answers = await Promise.all(steps.map(ask));
        expect(new Set(answers)).to.deep.equal(new Set([1]));
        expect(runs).to.equal(1);
      },
    );
    await assert(property, { numRuns: 500 });
  });
});
