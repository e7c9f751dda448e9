// What a hit of a wrapped function costs, beside the same value from a Map and from other libraries.
import Keyv from "keyv";
import { LRUCache } from "lru-cache";
import pMemoize from "p-memoize";
import { Cache, runInRequestContext } from "koa-caching";
import { compare, type Candidate } from "./measure.js";

const cache = new Cache();
const byPath = cache.cached({ timeout: 300 }, async () => 42);
const byName = cache.cached({ timeout: 300, keyPrefix: "answer" }, async () => 42);
const memoized = cache.memoize({ timeout: 300 }, async function answer(id: number) {
  return id;
});
const pMemoized = pMemoize(async (id: number) => id);
const map = new Map<unknown, number>([["answer", 42]]);
const lru = new LRUCache<string, number>({ max: 1000, ttl: 300_000 });
const fetching = new LRUCache<string, number>({
  max: 1000,
  ttl: 300_000,
  fetchMethod: async () => 42,
});
const keyv = new Keyv<number>({ ttl: 300_000 });
const bareKeyv = new Keyv<number>({ ttl: 300_000 });
bareKeyv.serialize = undefined;
bareKeyv.deserialize = undefined;

/** Times a hit, awaited one after the other. */
function candidate(name: string, hit: () => unknown): Candidate {
  return {
    name,
    run: async (times) => {
      for (let index = 0; index < times; index += 1) await hit();
    },
  };
}

const candidates = [
  candidate("await map.get(key)", () => map.get("answer")),
  candidate("await lruCache.get(key)", () => lru.get("answer")),
  candidate("await lruCache.fetch(key)", () => fetching.fetch("answer")),
  candidate("p-memoize, one argument", () => pMemoized(42)),
  candidate("keyv.get(key), in a Map, not serialized", () => bareKeyv.get("answer")),
  candidate("keyv.get(key), in a Map", () => keyv.get("answer")),
  candidate('koa-caching: cached(), keyPrefix "answer"', () => byName()),
  candidate("koa-caching: cached(), key of the path", () => byPath()),
  candidate("koa-caching: memoize(), one argument", () => memoized(42)),
];

lru.set("answer", 42);
await fetching.fetch("answer");
await keyv.set("answer", 42);
await bareKeyv.set("answer", 42);
await runInRequestContext("/posts", async () => {
  await compare("A hit in memory, within a request", candidates);
});
