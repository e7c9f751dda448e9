// memoize(): results keyed by the arguments, forgotten by version.
import type { Engine } from "./engine.js";
import type { Entry } from "./entry.js";
import { OptionError, show } from "./errors.js";
import type { MethodDecorating } from "./forms.js";
import { argumentKey } from "./key/arguments.js";
import { checkOptions } from "./options.js";
import type { Question } from "./record.js";
import {
  CALL_OPTIONS,
  callable,
  settleRules,
  type AnyFunction,
  type Awaitable,
  type Call,
  type CallOptions,
  type Rules,
} from "./rules.js";
import type { MaybePromise } from "./store/store.js";
import { functionTag, instanceTag, ROOT } from "./versions.js";
import { wrap, type Key, type Plan, type Wrapper } from "./wrap.js";

/** A memoized function. */
export type Memoized<F extends AnyFunction> = Wrapper<F> & {
  /** Forgets everything it stored, for all instances. From Flask-Caching. */
  readonly deleteMemoized: () => Promise<void>;
};

/** What `memoize(options)` gives: it wraps a function, or decorates a method. */
export type Memoizing = MethodDecorating & (<F extends AnyFunction>(fn: F) => Memoized<F>);

/** Options of `memoize()`. */
export interface MemoizeOptions<F extends AnyFunction = AnyFunction> extends CallOptions<F> {
  /**
   * The name under which results are kept and forgotten. A name given here may be used again: that
   * says that the functions are the same.
   * @default `Class.method` for a decorated method, else the function's own name
   */
  readonly name?: string | undefined;
  /** Makes the name out of the inferred one. From Flask-Cache's `make_name`. */
  readonly makeName?: ((name: string) => string) | undefined;
  /** Any value to key by in place of the arguments: to leave some of them out. */
  readonly argsKey?: ((...args: Parameters<F>) => unknown) | undefined;
  /** Replaces the building of keys altogether; given the call's arguments. */
  readonly makeCacheKey?: ((...args: Parameters<F>) => Awaitable<string>) | undefined;
}

const OPTIONS = [...CALL_OPTIONS, "name", "makeName", "argsKey", "makeCacheKey"];

/** Checked options of `memoize()`. */
export interface SettledMemoize {
  readonly rules: Rules;
  readonly name: string | undefined;
  readonly makeName: AnyFunction | undefined;
  readonly argsKey: AnyFunction | undefined;
  readonly makeCacheKey: AnyFunction | undefined;
}

/**
 * Checks the options of `memoize()`.
 *
 * @throws {OptionError}
 */
export function settleMemoize(options: MemoizeOptions): SettledMemoize {
  checkOptions(options, OPTIONS, "memoize()");
  const { name } = options;
  if (name !== undefined && (typeof name !== "string" || name === "")) {
    throw new OptionError(`name must be a non-empty text; got ${show(name)}.`);
  }
  return {
    rules: settleRules(options),
    name,
    makeName: callable(options.makeName, "makeName") as AnyFunction | undefined,
    argsKey: callable(options.argsKey, "argsKey") as AnyFunction | undefined,
    makeCacheKey: callable(options.makeCacheKey, "makeCacheKey") as AnyFunction | undefined,
  };
}

/**
 * The name of a memoized function, from its inferred name.
 *
 * @throws {OptionError} when there is none
 */
export function nameFor(
  { name, makeName }: Pick<SettledMemoize, "name" | "makeName">,
  inferred: string,
): string {
  if (name !== undefined) return name;
  if (inferred === "") {
    throw new OptionError(
      "memoize() keeps results under the function's name, but the function has none. " +
        'Give it one: memoize({ name: "…" }, fn), or declare it as a named function.',
    );
  }
  const made: unknown = makeName === undefined ? inferred : makeName(inferred);
  if (typeof made === "string" && made !== "") return made;
  throw new OptionError(`makeName must give a non-empty text; got ${show(made)}.`);
}

/** Memoizes a plain function. */
export function memoizeFunction(
  engine: Engine,
  settled: SettledMemoize,
  fn: AnyFunction,
): AnyFunction {
  const name = nameFor(settled, fn.name);
  engine.names.claim(name, fn, settled.name !== undefined);
  // Rules may be changed while the application runs, so every function has its own.
  const own = { ...settled, rules: { ...settled.rules } };
  const wrapper = wrapMemoized(engine, fn, planMemoized(engine, own, name));
  engine.names.lead(name, wrapper);
  return wrapper;
}

/** Wraps by a plan of this kind. */
export function wrapMemoized(
  engine: Engine,
  fn: AnyFunction,
  plan: Plan,
  self?: object,
): AnyFunction {
  const wrapper = wrap(engine, fn, plan, self);
  return Object.defineProperty(wrapper, "deleteMemoized", {
    value: () => forget(engine, plan.name),
  });
}

/** Forgets everything that is kept under a name. */
export async function forget(engine: Engine, name: string): Promise<void> {
  await engine.lookup.versions.outdate([functionTag(name)]);
}

/** What results are kept under. `receiver` stands for `this`, where that counts. */
export interface Keeping {
  readonly name: string;
  readonly receiver: string | undefined;
}

/** Says whose results are kept; asked at each call, unless `lasting` says that it never changes. */
export interface Keeper {
  readonly keeping: () => Keeping;
  readonly lasting: boolean;
}

/** The plan of a memoized function or of an instance's method. */
export function planMemoized(
  engine: Engine,
  settled: SettledMemoize,
  name: string,
  { keeping, lasting }: Keeper = { keeping: () => ({ name, receiver: undefined }), lasting: true },
): Plan {
  const { argsKey, makeCacheKey, rules } = settled;
  const counts = engine.stats.of(name);
  const table = new Map<unknown, Entry>();
  const quick = argsKey === undefined && lasting;
  const keyOf = ({ self, args }: Call): MaybePromise<Key> => {
    if (argsKey === undefined) return keyFor(keeping(), args);
    const made = Promise.resolve(argsKey.apply(self, [...args]) as unknown);
    return made.then((instead) => keyFor(keeping(), [instead]));
  };
  return {
    kind: "memoize",
    name,
    tag: () => tagsOf(keeping()).at(-1),
    rules,
    makeCacheKey,
    admit: () => undefined,
    reach: (_frame, first) => (quick ? table.get(placeOf(first)) : undefined),
    keyOf,
    question: (call, { text, check }): Question => ({
      key: text,
      check,
      owner: undefined,
      tags: [...tagsOf(keeping()), ...rules.tags],
      name,
      counts,
      rules,
      call,
      isUnchanged: isChangeable(call, lasting) ? () => gives(keyOf, call, text) : undefined,
      shortcut: quick ? shortcutTo(table, call.args) : undefined,
    }),
  };
}

/** The key of an argument list. */
export function keyFor({ name, receiver }: Keeping, args: readonly unknown[]): Key {
  const { key, check } = argumentKey(name, args, receiver);
  return { text: key, check };
}

/** The tags by which results are forgotten, the most specific one last. */
export function tagsOf({ name, receiver }: Keeping): readonly string[] {
  const own = [ROOT, functionTag(name)];
  return receiver === undefined ? own : [...own, instanceTag(name, receiver)];
}

/** Whether something in a call can change after it. */
function isChangeable({ args }: Call, lasting: boolean): boolean {
  return !lasting || args.some((arg) => typeof arg === "object" && arg !== null);
}

/** Whether a call still has the key that it had; what cannot have one any more has another. */
function gives(
  keyOf: (call: Call) => MaybePromise<Key>,
  call: Call,
  text: string,
): MaybePromise<boolean> {
  try {
    const key = keyOf(call);
    if (!(key instanceof Promise)) return key.text === text;
    return key.then(
      (made) => made.text === text,
      () => false,
    );
  } catch {
    return false;
  }
}

const NO_ARGUMENTS = Symbol("no arguments");

/** The place of a call in the side table: its argument itself. Trailing `undefined` is absent. */
function placeOf(first: unknown): unknown {
  return first === undefined ? NO_ARGUMENTS : first;
}

/** The place to remember a hit at, if the argument can stand for itself. */
function shortcutTo(table: Map<unknown, Entry>, args: readonly unknown[]): Question["shortcut"] {
  if (args.length > 1) return undefined;
  const place = placeOf(args[0]);
  return place === NO_ARGUMENTS || isPlain(place) ? { table, place } : undefined;
}

/** Values that a Map tells apart as keys do: not objects, and not 0, which it takes for -0. */
function isPlain(value: unknown): boolean {
  return typeof value === "object" || typeof value === "function"
    ? value === null
    : value !== 0 && typeof value !== "symbol";
}
