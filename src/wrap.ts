// Wraps a function: one call becomes one question to the engine.
import { remove } from "./direct.js";
import type { Engine } from "./engine.js";
import type { Entry } from "./entry.js";
import { OptionError, show } from "./errors.js";
import type { Intent } from "./lookup.js";
import type { Question } from "./record.js";
import {
  callable,
  checkTimeout,
  type AnyFunction,
  type Call,
  type CallOptions,
  type Rules,
} from "./rules.js";
import { frames, type Frame } from "./scope.js";
import type { MaybePromise } from "./store/store.js";

/** What every wrapped function has besides being called. From Flask-Cache 0.4. */
export interface WrapperAttributes<F extends AnyFunction> {
  /** The original function, which is what runs on a miss. */
  uncached: F;
  /** The timeout; a new value takes effect on the next computation. */
  cacheTimeout: CallOptions<F>["timeout"];
  /** The key of a call: the very one that is read, written and deleted. */
  makeCacheKey: (...args: Parameters<F>) => string | Promise<string>;
  /** Deletes what is stored for a call; tells whether something was. */
  readonly invalidate: (...args: Parameters<F>) => Promise<boolean>;
  /** Computes and stores, whatever is stored. */
  readonly refresh: (...args: Parameters<F>) => Promise<Awaited<ReturnType<F>>>;
}

/** A wrapped function: the same parameters and `this`, and always a promise. */
export type Wrapper<F extends AnyFunction> = ((
  this: ThisParameterType<F>,
  ...args: Parameters<F>
) => Promise<Awaited<ReturnType<F>>>) &
  WrapperAttributes<F>;

/** A key with what must be equal beyond it. */
export interface Key {
  readonly text: string;
  readonly check: string | undefined;
  /** Whether `makeCacheKey` made it, so that it belongs to no function and has no shortcut. */
  readonly custom?: boolean;
}

/** What differs between the kinds of wrapped functions. */
export interface Plan {
  readonly kind: Wrapped["kind"];
  readonly name: string;
  readonly tag: Wrapped["tag"];
  readonly rules: Rules;
  /** Replaces `keyOf`, as an option or later as an attribute. */
  readonly makeCacheKey: AnyFunction | undefined;
  /** Throws when the call cannot be answered where it stands. */
  readonly admit: (call: Call) => void;
  /** Answers a call as a handler, if it is one: what is cached then is the response. */
  readonly respond?: (call: Call, how: Responding) => Promise<unknown> | undefined;
  /** Deletes what is stored under a key that the function made; tells whether something was. */
  readonly remove?: (key: string) => Promise<boolean>;
  /** For a call with one argument at most: an entry that an earlier hit left within reach. */
  readonly reach: (frame: Frame | undefined, first: unknown) => Entry | undefined;
  readonly keyOf: (call: Call) => MaybePromise<Key>;
  readonly question: (call: Call, key: Key) => Question;
}

/** How a call is answered as a handler. */
export interface Responding {
  readonly handle: () => unknown;
  readonly makeKey: AnyFunction | undefined;
  readonly isForced: boolean;
}

/** What a wrapper is made of; the facade finds it again by the wrapper. */
export interface Wrapped {
  readonly engine: Engine;
  readonly kind: "cached" | "memoize";
  /** The tag by which all results of the wrapper are forgotten, if it has one. */
  readonly tag: () => string | undefined;
  /** The key of a call, as the wrapper makes it now. */
  readonly keyOf: (args: readonly unknown[]) => Promise<Key>;
}

const known = new WeakMap<object, Wrapped>();

/** What a wrapper is made of, or `undefined` for any other function. */
export function unwrap(fn: unknown): Wrapped | undefined {
  return typeof fn === "function" ? known.get(fn) : undefined;
}

/** Lets a function be found as the wrapper that it is. */
export function register(fn: AnyFunction, parts: Wrapped): void {
  known.set(fn, parts);
}

/** Makes the wrapper of a function; with `self` it is bound to that. */
export function wrap<F extends AnyFunction>(
  engine: Engine,
  fn: F,
  plan: Plan,
  self?: object,
): Wrapper<F> {
  const caller = new Caller(engine, fn, plan);
  const wrapper =
    self === undefined
      ? function (this: unknown, first?: unknown): Promise<unknown> {
          // A list of arguments is made only when it is needed: most hits do without.
          const hit = arguments.length < 2 ? caller.recall(first) : undefined;
          return hit ?? caller.call({ self: this, args: [...arguments] });
        }
      : (...args: unknown[]): Promise<unknown> =>
          (args.length < 2 && caller.recall(args[0])) || caller.call({ self, args });
  const attributes = attributesOf(caller, self);
  Object.defineProperties(wrapper, {
    name: { value: fn.name, configurable: true },
    length: { value: fn.length, configurable: true },
    ...attributes,
  });
  const { kind, tag } = plan;
  register(wrapper, { engine, kind, tag, keyOf: (args) => caller.keyOf({ self, args }) });
  return wrapper as AnyFunction as Wrapper<F>;
}

function attributesOf(caller: Caller, self: unknown): PropertyDescriptorMap {
  const defaultKey = (...args: unknown[]): unknown => caller.defaultKey({ self, args });
  return {
    uncached: {
      get: () => caller.original,
      set: (fn: unknown) => (caller.original = callable(fn, "uncached") as AnyFunction),
      enumerable: true,
    },
    cacheTimeout: cacheTimeout(caller.plan.rules),
    makeCacheKey: {
      get: () => caller.makeCacheKey ?? defaultKey,
      set: (make: unknown) => {
        caller.makeCacheKey = make === defaultKey ? undefined : callable(make, "makeCacheKey");
      },
      enumerable: true,
    },
    invalidate: { value: (...args: unknown[]) => caller.invalidate({ self, args }) },
    refresh: { value: (...args: unknown[]) => caller.refresh({ self, args }) },
  };
}

/** The property `cacheTimeout` of what keeps its results by these rules. */
export function cacheTimeout(rules: Rules): PropertyDescriptor {
  return {
    get: () => rules.timeout,
    set: (timeout: Rules["timeout"]) => {
      checkTimeout(timeout);
      rules.timeout = timeout;
    },
    enumerable: true,
  };
}

/** Answers the calls of one wrapped function. */
class Caller {
  readonly plan: Plan;
  original: AnyFunction;
  readonly #engine: Engine;
  readonly #asker: Pick<Question, "name" | "counts">;
  /** Whether a callable has to be asked before every call. */
  readonly #asks: boolean;
  #makeCacheKey: AnyFunction | undefined;
  /** Whether a hit needs no callable at all. */
  #direct: boolean;

  constructor(engine: Engine, fn: AnyFunction, plan: Plan) {
    this.plan = plan;
    this.original = fn;
    this.#makeCacheKey = plan.makeCacheKey;
    this.#engine = engine;
    this.#asker = { name: plan.name, counts: engine.stats.of(plan.name) };
    this.#asks = plan.rules.unless !== undefined || plan.rules.forcedUpdate !== undefined;
    this.#direct = !this.#asks && plan.makeCacheKey === undefined;
  }

  get makeCacheKey(): AnyFunction | undefined {
    return this.#makeCacheKey;
  }

  set makeCacheKey(make: AnyFunction | undefined) {
    this.#makeCacheKey = make;
    this.#direct = !this.#asks && make === undefined;
  }

  /** A hit that an earlier one left within reach: no key is made and no question asked. */
  recall(first: unknown): Promise<unknown> | undefined {
    if (!this.#direct) return undefined;
    const frame = frames.getStore();
    const entry = this.plan.reach(frame, first);
    if (entry === undefined) return undefined;
    return this.#engine.lookup.recall(entry, this.#asker, frame?.scope);
  }

  call(call: Call): Promise<unknown> {
    if (!this.#engine.enabled) return attempt(() => this.#run(call));
    const responded = this.#respond(call, false);
    if (responded !== undefined) return responded;
    return this.#asks ? this.#askFirst(call) : attempt(() => this.#fetch(call, "use"));
  }

  async invalidate(call: Call): Promise<boolean> {
    const { text } = await this.keyOf(call);
    if (this.plan.remove !== undefined) return this.plan.remove(text);
    const [existed] = await remove(this.#engine.lookup, [text]);
    return existed!;
  }

  refresh(call: Call): Promise<unknown> {
    if (!this.#engine.enabled) return attempt(() => this.#run(call));
    return this.#respond(call, true) ?? attempt(() => this.#fetch(call, "renew"));
  }

  async keyOf(call: Call): Promise<Key> {
    return this.#makeCacheKey === undefined ? this.plan.keyOf(call) : this.#customKey(call);
  }

  defaultKey(call: Call): MaybePromise<string> {
    const key = this.plan.keyOf(call);
    return key instanceof Promise ? key.then(({ text }) => text) : key.text;
  }

  async #askFirst(call: Call): Promise<unknown> {
    const { unless, forcedUpdate } = this.plan.rules;
    if (unless !== undefined && (await unless.apply(call.self, [...call.args]))) {
      const { name } = this.plan;
      if (this.#engine.events.heard("bypass")) this.#engine.events.emit("bypass", { name });
      return this.#run(call);
    }
    this.plan.admit(call);
    const forced =
      forcedUpdate !== undefined && (await forcedUpdate.apply(call.self, [...call.args]));
    return this.#fetch(call, forced ? "renew" : "use");
  }

  #respond(call: Call, isForced: boolean): Promise<unknown> | undefined {
    const makeKey = this.#makeCacheKey;
    return this.plan.respond?.(call, { handle: () => this.#run(call), makeKey, isForced });
  }

  #fetch(call: Call, intent: Intent): Promise<unknown> {
    this.plan.admit(call);
    const key = this.#makeCacheKey === undefined ? this.plan.keyOf(call) : this.#customKey(call);
    if (key instanceof Promise) return key.then((made) => this.#ask(call, made, intent));
    return this.#ask(call, key, intent);
  }

  #ask(call: Call, key: Key, intent: Intent): Promise<unknown> {
    const planned = this.plan.question(call, key);
    const custom = key.custom === true;
    const bare = { owner: undefined, shortcut: undefined, isUnchanged: undefined };
    const question = custom ? { ...planned, ...bare } : planned;
    return this.#engine.lookup.fetch(question, () => this.#run(call), intent);
  }

  async #customKey({ self, args }: Call): Promise<Key> {
    const text: unknown = await this.#makeCacheKey!.apply(self, [...args]);
    const key = checkKey(text, "makeCacheKey", this.plan.name);
    return { text: key, check: undefined, custom: true };
  }

  #run({ self, args }: Call): unknown {
    return this.original.apply(self, args as unknown[]);
  }
}

/** Checks what a callable gave as a key. */
export function checkKey(key: unknown, option: string, name: string): string {
  if (typeof key === "string" && key !== "") return key;
  throw new OptionError(
    `${option} of ${name} must give a non-empty text, which is the key; got ${show(key)}.`,
  );
}

/** A promise of what a function gives, also of what it throws. */
export function attempt(run: () => unknown): Promise<unknown> {
  try {
    return Promise.resolve(run());
  } catch (error) {
    return Promise.reject(error);
  }
}
