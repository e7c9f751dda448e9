// Memoized methods: each instance has results of its own, and a bound method that knows whose.
import type { Engine } from "./engine.js";
import { OptionError } from "./errors.js";
import { identify } from "./key/identity.js";
import {
  forget,
  nameFor,
  planMemoized,
  wrapMemoized,
  type Keeping,
  type SettledMemoize,
} from "./memoize.js";
import type { AnyFunction } from "./rules.js";
import { functionTag } from "./versions.js";
import { register, unwrap } from "./wrap.js";

/**
 * Memoizes a method. What takes its place finds the bound method of the instance it is called on;
 * an instance gets its bound method as a hidden property of its own, unless a subclass overrides
 * the method.
 */
export function memoizeMethod(
  engine: Engine,
  settled: SettledMemoize,
  method: AnyFunction,
  context: ClassMethodDecoratorContext,
): AnyFunction {
  // One set of rules for all instances: a new cacheTimeout holds for all of them.
  const own = { ...settled, rules: { ...settled.rules } };
  const memo = new MethodMemo(engine, own, method, String(context.name));
  const { unbound } = memo;
  if (settled.name !== undefined || (context.private && !context.static)) memo.claim("");
  context.addInitializer(function (this: unknown) {
    if (context.static) memo.declare(this as AnyFunction);
    else if (!context.private) install(this as object, context.name, memo);
  });
  return unbound;
}

class MethodMemo {
  readonly unbound: AnyFunction;
  readonly #engine: Engine;
  readonly #settled: SettledMemoize;
  readonly #method: AnyFunction;
  readonly #methodName: string;
  /** The bound methods; an instance that is gone takes its own along. */
  readonly #bound = new WeakMap<object, AnyFunction>();
  #name: string | undefined;
  /** The class that declares the method, if it is a static one. */
  #declaring: AnyFunction | undefined;

  constructor(engine: Engine, settled: SettledMemoize, method: AnyFunction, methodName: string) {
    this.#engine = engine;
    this.#settled = settled;
    this.#method = method;
    this.#methodName = methodName;
    this.unbound = this.#makeUnbound();
  }

  /** The method of one instance. */
  boundTo(self: unknown): AnyFunction {
    if (!isObject(self)) throw this.#needsInstance();
    const known = this.#bound.get(self);
    if (known !== undefined) return known;
    const name = this.#name ?? this.claim(declaringClass(self, this.#methodName, this.unbound));
    const keeping = (): Keeping => ({ name, receiver: this.#receiver(name, self) });
    const plan = planMemoized(this.#engine, this.#settled, name, keeping);
    const bound = wrapMemoized(this.#engine, this.#method, plan, self);
    this.#bound.set(self, bound);
    return bound;
  }

  /** Takes the name of a method: that of its class, which is known from the first instance on. */
  claim(className: string): string {
    const { name, makeName } = this.#settled;
    const inferred = className === "" ? this.#methodName : `${className}.${this.#methodName}`;
    this.#name = nameFor({ name, makeName }, inferred);
    this.#engine.names.claim(this.#name, this.#method, name !== undefined);
    this.#engine.names.lead(this.#name, this.unbound);
    return this.#name;
  }

  /** Takes the class of a static method, which is known as soon as it is defined. */
  declare(declaring: AnyFunction): void {
    this.#declaring = declaring;
    this.claim(declaring.name);
  }

  #makeUnbound(): AnyFunction {
    const boundTo = (self: unknown): AnyFunction => this.boundTo(self ?? this.#declaring);
    const unbound = function (this: unknown, ...args: unknown[]): unknown {
      return boundTo(this)(...args);
    };
    Object.defineProperties(unbound, {
      name: { value: this.#method.name, configurable: true },
      length: { value: this.#method.length, configurable: true },
      uncached: { value: this.#method, enumerable: true },
      deleteMemoized: { value: async () => forget(this.#engine, this.#knownName()) },
    });
    register(unbound, {
      engine: this.#engine,
      kind: "memoize",
      tag: () => functionTag(this.#knownName()),
      keyOf: (args) =>
        this.#declaring === undefined
          ? Promise.reject(this.#needsInstance())
          : unwrap(this.boundTo(this.#declaring))!.keyOf(args),
    });
    return unbound;
  }

  /** What stands for `this` in keys; nothing for the class that declares a static method. */
  #receiver(name: string, self: object): string | undefined {
    if (this.#declaring === undefined) return identify(self);
    if (self === this.#declaring) return undefined;
    const subclass = `<${(self as AnyFunction).name}>`;
    this.#engine.names.claim(`${name}${subclass}`, self, false);
    return subclass;
  }

  #knownName(): string {
    if (this.#name !== undefined) return this.#name;
    throw new OptionError(
      `The class of the method ${this.#methodName} is not known before its first instance is made: ` +
        `give the method a name of its own, @cache.memoize({ name: "…" }).`,
    );
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
  if (Reflect.get(instance, name) !== memo.unbound) return;
  Object.defineProperty(instance, name, {
    configurable: true,
    get(this: unknown) {
      return memo.boundTo(this);
    },
    set(this: object, value: unknown) {
      Object.defineProperty(this, name, {
        value,
        writable: true,
        configurable: true,
        enumerable: true,
      });
    },
  });
}

/** The name of the class whose prototype holds the method. */
function declaringClass(instance: object, name: string, method: AnyFunction): string {
  let holder = "";
  for (let at: unknown = instance; isObject(at); at = Object.getPrototypeOf(at)) {
    const own = Object.getOwnPropertyDescriptor(at, name);
    if (own === undefined || at === instance) continue;
    holder = classNameOf(at);
    if (own.value === method) return holder;
  }
  return holder;
}

function classNameOf(prototype: object): string {
  const maker: unknown = Reflect.get(prototype, "constructor");
  return typeof maker === "function" ? maker.name : "";
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
