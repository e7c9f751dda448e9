// memoizeMany(): results by id, read together, computed together, written together.
import { remove } from "./direct.js";
import type { Engine } from "./engine.js";
import { OptionError, show } from "./errors.js";
import type { Intent } from "./lookup.js";
import { ABSENT, fetchMany } from "./lookup-many.js";
import {
  forget,
  keyFor,
  nameFor,
  settleMemoize,
  tagsOf,
  type MemoizeOptions,
  type SettledMemoize,
} from "./memoize.js";
import { checkOptions } from "./options.js";
import type { Question } from "./record.js";
import { CALL_OPTIONS, type AnyFunction, type Awaitable, type CallOptions } from "./rules.js";
import { functionTag } from "./versions.js";
import { cacheTimeout, register, type Key } from "./wrap.js";

/** What a function of many ids gives: a value for each id that it found one for. */
export type LoadMany<Id, Value> = (ids: Id[]) => Awaitable<ReadonlyMap<Id, Value>>;

type OneOf<Id, Value> = (id: Id) => Value;

/**
 * Options of `memoizeMany()`: those of `memoize()`, whose callables are asked for each id; `unless`
 * and `forcedUpdate` are asked once a call, with the ids.
 */
export interface MemoizeManyOptions<Id = any, Value = any> extends Omit<
  MemoizeOptions<OneOf<Id, Value>>,
  "unless" | "forcedUpdate" | "argsKey" | "makeCacheKey"
> {
  readonly unless?: ((ids: readonly Id[]) => unknown) | undefined;
  readonly forcedUpdate?: ((ids: readonly Id[]) => unknown) | undefined;
  /** Any value to key an id by in its place. */
  readonly argsKey?: ((id: Id) => unknown) | undefined;
  /**
   * Whether an id that the function found nothing for is remembered as `undefined`.
   * @default false
   */
  readonly storeAbsent?: boolean | undefined;
}

/** A function of many ids, memoized by id. */
export interface ManyWrapper<Id, Value> {
  /** The values in the order of the ids, without duplicates; `undefined` where there is none. */
  (ids: readonly Id[]): Promise<Map<Id, Value | undefined>>;
  readonly uncached: LoadMany<Id, Value>;
  cacheTimeout: CallOptions<OneOf<Id, Value>>["timeout"];
  readonly makeCacheKey: (id: Id) => string | Promise<string>;
  readonly invalidate: (...ids: Id[]) => Promise<boolean[]>;
  readonly refresh: (ids: readonly Id[]) => Promise<Map<Id, Value | undefined>>;
  readonly deleteMemoized: () => Promise<void>;
}

const OPTIONS = [...CALL_OPTIONS, "name", "makeName", "argsKey", "storeAbsent"];

/** Memoizes a function of many ids. */
export function memoizeMany(
  engine: Engine,
  options: MemoizeManyOptions,
  load: AnyFunction,
): AnyFunction {
  checkOptions(options, OPTIONS, "memoizeMany()");
  const { storeAbsent = false, ...shared } = options;
  if (typeof storeAbsent !== "boolean") {
    throw new OptionError(`storeAbsent must be true or false; got ${show(storeAbsent)}.`);
  }
  const settled = settleMemoize(shared as MemoizeOptions);
  const name = nameFor(settled, load.name);
  engine.names.claim(name, load, settled.name !== undefined);
  const many = new Many(engine, { ...settled, name }, load, storeAbsent);
  const wrapper = (ids: readonly unknown[]): Promise<unknown> => many.call(ids);
  Object.defineProperties(wrapper, attributesOf(many, engine, load));
  const tag = (): string => functionTag(name);
  register(wrapper, { engine, kind: "memoize", tag, keyOf: ([id]) => many.keyOf(id) });
  engine.names.lead(name, wrapper);
  return wrapper;
}

function attributesOf(many: Many, engine: Engine, load: AnyFunction): PropertyDescriptorMap {
  const { rules, name } = many.settled;
  return {
    name: { value: load.name, configurable: true },
    uncached: { value: load, enumerable: true },
    cacheTimeout: cacheTimeout(rules),
    makeCacheKey: { value: async (id: unknown) => (await many.keyOf(id)).text },
    invalidate: { value: (...ids: unknown[]) => many.invalidate(ids) },
    refresh: { value: (ids: readonly unknown[]) => many.refresh(ids) },
    deleteMemoized: { value: () => forget(engine, name) },
  };
}

class Many {
  readonly settled: SettledMemoize & { readonly name: string };
  readonly #engine: Engine;
  readonly #load: AnyFunction;
  readonly #storeAbsent: boolean;

  constructor(
    engine: Engine,
    settled: SettledMemoize & { readonly name: string },
    load: AnyFunction,
    storeAbsent: boolean,
  ) {
    this.settled = settled;
    this.#engine = engine;
    this.#load = load;
    this.#storeAbsent = storeAbsent;
  }

  async call(given: readonly unknown[]): Promise<ReadonlyMap<unknown, unknown>> {
    const ids = ownIds(given);
    const { unless, forcedUpdate } = this.settled.rules;
    if (!this.#engine.enabled) return this.#run(ids);
    if (unless !== undefined && (await unless([...ids]))) {
      const { events } = this.#engine;
      if (events.heard("bypass")) events.emit("bypass", { name: this.settled.name });
      return this.#run(ids);
    }
    const forced = forcedUpdate !== undefined && (await forcedUpdate([...ids]));
    return this.#fetch(ids, forced ? "renew" : "use");
  }

  async refresh(given: readonly unknown[]): Promise<ReadonlyMap<unknown, unknown>> {
    const ids = ownIds(given);
    return this.#engine.enabled ? this.#fetch(ids, "renew") : this.#run(ids);
  }

  /** Runs the function without the cache. */
  async #run(ids: readonly unknown[]): Promise<ReadonlyMap<unknown, unknown>> {
    const found = await this.#loadMap([...new Set(ids)]);
    return new Map(ids.map((id) => [id, found.get(id)]));
  }

  async invalidate(ids: readonly unknown[]): Promise<boolean[]> {
    const keys = await Promise.all(ids.map(async (id) => (await this.keyOf(id)).text));
    return remove(this.#engine.lookup, keys);
  }

  async keyOf(id: unknown): Promise<Key> {
    const { argsKey, name } = this.settled;
    const keyed: unknown = argsKey === undefined ? id : await argsKey(id);
    return keyFor({ name, receiver: undefined }, [keyed]);
  }

  async #fetch(ids: readonly unknown[], intent: Intent): Promise<ReadonlyMap<unknown, unknown>> {
    const keys = await Promise.all(ids.map((id) => this.keyOf(id)));
    const asked = new Map<string, Question>();
    ids.forEach((id, index) => {
      const { text } = keys[index]!;
      if (!asked.has(text)) asked.set(text, this.#question(id, keys[index]!));
    });
    const questions = [...asked.values()];
    const { lookup } = this.#engine;
    const values = await fetchMany(lookup, questions, (missing) => this.#compute(missing), intent);
    const byKey = new Map(questions.map(({ key }, index) => [key, values[index]]));
    return new Map(ids.map((id, index) => [id, byKey.get(keys[index]!.text)]));
  }

  #question(id: unknown, { text, check }: Key): Question {
    const { name, rules } = this.settled;
    return {
      key: text,
      check,
      owner: undefined,
      tags: [...tagsOf({ name, receiver: undefined }), ...rules.tags],
      name,
      counts: this.#engine.stats.of(name),
      rules,
      call: { self: undefined, args: [id] },
      shortcut: undefined,
    };
  }

  async #compute(questions: readonly Question[]): Promise<readonly unknown[]> {
    const ids = questions.map(({ call }) => call.args[0]);
    // The function may do with its list what it likes.
    const found = await this.#loadMap([...ids]);
    const absent = this.#storeAbsent ? undefined : ABSENT;
    return ids.map((id) => (found.has(id) ? found.get(id) : absent));
  }

  async #loadMap(ids: unknown[]): Promise<ReadonlyMap<unknown, unknown>> {
    const found: unknown = await this.#load(ids);
    if (found instanceof Map) return found;
    throw new OptionError(
      `The function ${this.settled.name} of memoizeMany() must give a Map from ids to values; ` +
        `got ${show(found)}.`,
    );
  }
}

/** A copy of the list, which its owner may change while the call is under way. */
function ownIds(ids: unknown): readonly unknown[] {
  if (Array.isArray(ids)) return [...ids];
  throw new OptionError(`A function of memoizeMany() takes a list of ids; got ${show(ids)}.`);
}
