// Storing only what is absent, where the client behind a Keyv can do it in one step.

/** What is used of `@keyv/redis` and of a Keyv 5 around it. */
interface RedisAdapter {
  readonly namespace?: string | undefined;
  createKeyPrefix(key: string, namespace: string | undefined): string;
  getClient(): Promise<{
    set(key: string, value: string, options: { NX: true; PX?: number }): Promise<unknown>;
  }>;
}
interface KeyvFive {
  readonly store: unknown;
  readonly namespace?: string | undefined;
  readonly useKeyPrefix: boolean;
  serializeData(data: { value: string; expires: number | undefined }): Promise<unknown>;
}

/** A text and for how many milliseconds it is to be stored. */
interface LastingText {
  readonly text: string;
  readonly ttl: number | undefined;
}

/** Stores a text if its key is absent; tells whether it did. */
export type AtomicAdd = (key: string, lasting: LastingText) => Promise<boolean>;

/** How to add in one step; `undefined` where the store is not known to be able to. */
export function atomicAdd(source: object): AtomicAdd | undefined {
  if (isRedis(source)) return (key, lasting) => setAbsent(source, key, lasting);
  if (!isKeyvFive(source) || !isRedis(source.store)) return undefined;
  return (key, lasting) => addThrough(source, key, lasting);
}

/** Writes what the Keyv would write, where it would write it. */
async function addThrough(
  keyv: KeyvFive,
  key: string,
  { text, ttl }: LastingText,
): Promise<boolean> {
  const expires = ttl === undefined ? undefined : Date.now() + ttl;
  const written = String(await keyv.serializeData({ value: text, expires }));
  const prefixed = keyv.useKeyPrefix && keyv.namespace ? `${keyv.namespace}:${key}` : key;
  return setAbsent(keyv.store as RedisAdapter, prefixed, { text: written, ttl });
}

async function setAbsent(
  adapter: RedisAdapter,
  key: string,
  { text, ttl }: LastingText,
): Promise<boolean> {
  const client = await adapter.getClient();
  const address = adapter.createKeyPrefix(key, adapter.namespace);
  const options = ttl === undefined ? { NX: true as const } : { NX: true as const, PX: ttl };
  return (await client.set(address, text, options)) !== null;
}

function isRedis(source: unknown): source is RedisAdapter {
  const { createKeyPrefix, getClient } = source as Partial<RedisAdapter>;
  return typeof createKeyPrefix === "function" && typeof getClient === "function";
}

function isKeyvFive(source: unknown): source is KeyvFive {
  const { useKeyPrefix, serializeData } = source as Partial<KeyvFive>;
  return typeof useKeyPrefix === "boolean" && typeof serializeData === "function";
}
