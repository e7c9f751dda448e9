// What memoizing takes of this process's memory, however much is memoized.
import { expect } from "chai";
import { Cache, type CacheOptions } from "../src/index.js";
import { countAlive, heapUsed } from "./support/heap.js";

const MEGABYTE = 1024 * 1024;

/** A cache with a function, and the counts of what it keeps. */
function setUp(options: CacheOptions, value: (id: number) => unknown) {
  const cache = new Cache(options);
  let evicted = 0;
  cache.on("evict", () => (evicted += 1));
  const f = cache.memoize({ name: "f" }, async (id: number) => value(id));
  return { cache, f, evicted: () => evicted };
}

describe("memoizing in memory", function () {
  this.timeout(120_000);

  it("a million distinct arguments stays within the number of entries", async () => {
    const { cache, f, evicted } = setUp({}, (id) => ({ id }));
    await f(-1);
    const before = await heapUsed();
    for (let id = 0; id < 1_000_000; id += 1) await f(id);
    expect(evicted()).to.equal(1_000_001 - 10_000);
    expect((await heapUsed()) - before).to.be.below(20 * MEGABYTE);
    expect(await cache.has(await f.makeCacheKey(999_999))).to.equal(true);
    expect(await cache.has(await f.makeCacheKey(989_000))).to.equal(false);
  });

  it("hits as many arguments without keeping more than the entries", async () => {
    const { f } = setUp({ memory: { entries: 100 } }, (id) => id);
    await f(-1);
    const before = await heapUsed();
    for (let id = 0; id < 50_000; id += 1) {
      await f(id);
      await f(id);
      await f(id);
    }
    expect((await heapUsed()) - before).to.be.below(2 * MEGABYTE);
  });

  it("large values stays within the bytes", async () => {
    const bytes = 4 * MEGABYTE;
    const { f, evicted } = setUp({ memory: { bytes } }, (id) => `${id}`.padEnd(10_000, "x"));
    await f(-1);
    const before = await heapUsed();
    for (let id = 0; id < 5000; id += 1) await f(id);
    expect(evicted()).to.be.above(5000 - bytes / 10_000);
    expect((await heapUsed()) - before).to.be.below(bytes + 2 * MEGABYTE);
  });

  it("methods of short-lived instances keeps neither them nor their versions", async () => {
    const cache = new Cache({ memory: { entries: 100 } });
    class Service {
      readonly load = 1;
      @cache.memoize()
      async read(id: number): Promise<number> {
        return id;
      }
    }
    const refs: WeakRef<Service>[] = [];
    const use = async (): Promise<void> => {
      const service = new Service();
      await service.read(1);
      await service.read(1);
      refs.push(new WeakRef(service));
    };
    await use();
    const before = await heapUsed();
    for (let made = 0; made < 20_000; made += 1) await use();
    expect(await countAlive(refs)).to.be.below(10);
    refs.length = 0;
    expect((await heapUsed()) - before).to.be.below(3 * MEGABYTE);
  });

  it("forgetting by hundreds of thousands of tags does not add up", async () => {
    const cache = new Cache({ memory: { entries: 100 } });
    const f = cache.memoize({ name: "f", tags: (id) => [`item:${id}`] }, async (id: number) => id);
    await f(-1);
    const before = await heapUsed();
    for (let id = 0; id < 200_000; id += 1) {
      if (id % 10 === 0) await f(id);
      await cache.invalidateTags(`item:${id}`);
    }
    expect((await heapUsed()) - before).to.be.below(5 * MEGABYTE);
  });

  it("in many requests keeps none of them", async () => {
    const { runInRequestContext } = await import("../src/index.js");
    const { koaContext } = await import("./support/koa-context.js");
    const cache = new Cache();
    const f = cache.memoize({ name: "f", tags: (_value, id) => [`${id}`] }, async (id: number) => ({
      id,
    }));
    const text = cache.memoize({ name: "g" }, async (id: number) => `${id}`);
    const remote = new Cache({ store: new Map() });
    const far = remote.memoize(
      { name: "f", tags: (_value, id) => [`${id}`] },
      async (id: number) => ({
        id,
      }),
    );
    const serve = async (id: number): Promise<WeakRef<object>> => {
      const context = koaContext();
      await runInRequestContext(context, async () => {
        for (let call = 0; call < 3; call += 1) {
          await Promise.all([f(id), f(id), text(id), text(id), far(id), far(id)]);
        }
        await cache.invalidateTags(`${id - 1}`);
      });
      return new WeakRef(context);
    };
    const refs: WeakRef<object>[] = [];
    for (let id = 0; id < 200; id += 1) refs.push(await serve(id));
    await remote.idle();
    // The first of all may be kept by what was opened then.
    expect(await countAlive(refs.slice(1, -1))).to.be.below(10);
  });
});
