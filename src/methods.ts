// Memoized methods: each instance has results of its own, and a bound method that knows whose.
import type { Engine } from "./engine.js";
import { DuplicateNameError, OptionError } from "./errors.js";
import { cachingId, identify } from "./key/identity.js";
import {
  forget,
  nameFor,
  planMemoized,
  wrapMemoized,
  type Keeping,
  type SettledMemoize,
} from "./memoize.js";
import { declaringClass, isObject, valueOf } from "./prototypes.js";
import type { AnyFunction } from "./rules.js";
import { functionTag } from "./versions.js";
import { attempt, cacheTimeout, register, type Key } from "./wrap.js";

/**
 * Memoizes a method. What takes its place finds the bound method of the instance it is called on;
 * an instance, or the class of a static method, gets its bound method as a hidden property of its
 * own, unless a subclass overrides the method.
 */
export function memoizeMethod(
  engine: Engine,
  settled: SettledMemoize,
  method: AnyFunction,
  context: ClassMethodDecoratorContext,
): AnyFunction {
  // One set of rules for all instances: a new cacheTimeout holds for all of them.
  const own = { ...settled, rules: { ...settled.rules } };
  const memo = new MethodMemo(engine, own, method, context);
  context.addInitializer(function (this: unknown) {
    memo.meet(this as object);
    if (!context.private) install(this as object, context.name, memo);
  });
  return memo.unbound;
}

class MethodMemo {
  readonly unbound: AnyFunction;
  readonly #engine: Engine;
  readonly #settled: SettledMemoize;
  readonly #method: AnyFunction;
  readonly #context: ClassMethodDecoratorContext;
  /** The bound methods; an instance that is gone takes its own along. */
  readonly #bound = new WeakMap<object, AnyFunction>();
  /** The classes of the receivers that are told apart by the names of their classes. */
  readonly #classes = new Map<string, unknown>();
  /** The class that declares a static method; else the name of the class that declares it. */
  #home: AnyFunction | string | undefined;
  #name: string | undefined;

  constructor(
    engine: Engine,
    settled: SettledMemoize,
    method: AnyFunction,
    context: ClassMethodDecoratorContext,
  ) {
    this.#engine = engine;
    this.#settled = settled;
    this.#method = method;
    this.#context = context;
    this.unbound = this.#makeUnbound();
    // Nothing leads from an instance to the class that declares a private method.
    if (context.private && !context.static) this.#home = "";
    if (settled.name !== undefined) this.#name = this.#claim("");
  }

  /** Learns from an instance, or from the class of a static method, where the method belongs. */
  meet(self: object): void {
    this.#home ??= this.#context.static
      ? (self as AnyFunction)
      : declaringClass(self, this.#context.name, this.unbound);
  }

  /** The method as a property: what is wrong with it is told by the call, not by the look at it. */
  of(self: unknown): AnyFunction {
    try {
      return this.#boundTo(self);
    } catch {
      return this.unbound;
    }
  }

  #boundTo(self: unknown): AnyFunction {
    if (!isObject(self)) throw this.#needsInstance();
    const known = this.#bound.get(self);
    if (known !== undefined) return known;
    this.meet(self);
    const name = this.#knownName();
    const keeping = (): Keeping => ({ name, receiver: this.#receiver(name, self) });
    const lasting = this.#context.static || !(cachingId in self);
    const plan = planMemoized(this.#engine, this.#settled, name, { keeping, lasting });
    const bound = wrapMemoized(this.#engine, this.#method, plan, self);
    this.#bound.set(self, bound);
    return bound;
  }

  #makeUnbound(): AnyFunction {
    const call = (self: unknown, args: readonly unknown[]): Promise<unknown> =>
      attempt(() => this.#boundTo(self ?? this.#declaring)(...args));
    const unbound = function (this: unknown, ...args: unknown[]): Promise<unknown> {
      return call(this, args);
    };
    Object.defineProperties(unbound, {
      name: { value: this.#method.name, configurable: true },
      length: { value: this.#method.length, configurable: true },
      uncached: { value: this.#method, enumerable: true },
      cacheTimeout: cacheTimeout(this.#settled.rules),
      deleteMemoized: { value: async () => forget(this.#engine, this.#knownName()) },
      ...this.#instanceAttributes(),
    });
    const keyOf = (): Promise<Key> => Promise.reject(this.#needsInstance());
    const tag = (): string => functionTag(this.#knownName());
    register(unbound, { engine: this.#engine, kind: "memoize", tag, keyOf });
    return unbound;
  }

  /** What the unbound method cannot do says so, instead of being absent. */
  #instanceAttributes(): PropertyDescriptorMap {
    const value = (): Promise<never> => Promise.reject(this.#needsInstance());
    return { makeCacheKey: { value }, invalidate: { value }, refresh: { value } };
  }

  /** What stands for `this` in keys; nothing for the class that declares a static method. */
  #receiver(name: string, self: object): string | undefined {
    if (self === this.#declaring) return undefined;
    if (!this.#context.static && !(cachingId in self)) return identify(self);
    const maker = this.#context.static ? self : Reflect.get(self, "constructor");
    const label = typeof maker === "function" ? maker.name : "";
    this.#admit(label, maker, name);
    return this.#context.static ? `<${label}>` : identify(self);
  }

  /** Two classes of one name must not meet under the ids of their instances, or under none. */
  #admit(label: string, maker: unknown, name: string): void {
    const known = this.#classes.get(label);
    if (known === undefined) this.#classes.set(label, maker);
    else if (known !== maker) throw new DuplicateNameError(`${name}<${label}>`);
  }

  get #declaring(): AnyFunction | undefined {
    return typeof this.#home === "function" ? this.#home : undefined;
  }

  /** The name; asked late, because a class may get its own name after its methods are defined. */
  #knownName(): string {
    if (this.#name !== undefined) return this.#name;
    if (this.#home !== undefined) {
      const className = typeof this.#home === "function" ? this.#home.name : this.#home;
      return (this.#name = this.#claim(className));
    }
    throw new OptionError(
      `The class of the method ${this.#methodName} is not known before its first instance is made: ` +
        `give the method a name of its own, @cache.memoize({ name: "…" }).`,
    );
  }

  #claim(className: string): string {
    const { name, makeName } = this.#settled;
    const inferred = className === "" ? this.#methodName : `${className}.${this.#methodName}`;
    const claimed = nameFor({ name, makeName }, inferred);
    this.#engine.names.claim(claimed, this.#method, name !== undefined);
    this.#engine.names.lead(claimed, this.unbound);
    return claimed;
  }

  get #methodName(): string {
    return String(this.#context.name);
  }

  #needsInstance(): OptionError {
    return new OptionError(
      `The memoized method ${this.#methodName} belongs to an instance: ` +
        `use the instance's method, as in instance.${this.#methodName}.`,
    );
  }
}

/** Gives an instance its bound method, unless a subclass overrides the method. */
function install(instance: object, name: string | symbol, memo: MethodMemo): void {
  if (valueOf(instance, name) !== memo.unbound) return;
  // An instance that takes no properties keeps the unbound method, which finds it by `this`.
  Reflect.defineProperty(instance, name, {
    configurable: true,
    get(this: unknown) {
      return memo.of(this);
    },
    set(this: object, value: unknown) {
      const assigned = { value, writable: true, configurable: true, enumerable: true };
      Object.defineProperty(this, name, assigned);
    },
  });
}
