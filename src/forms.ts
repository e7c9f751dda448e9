// The three forms of wrapping: cached(options)(fn), cached(options, fn), @cache.cached(options).
import { OptionError, show } from "./errors.js";
import type { AnyFunction } from "./rules.js";
import type { Wrapper } from "./wrap.js";

/** Decorates a method that gives a promise. */
export type MethodDecorating = <This, A extends any[], R>(
  method: (this: This, ...args: A) => Promise<R>,
  context: ClassMethodDecoratorContext<This, (this: This, ...args: A) => Promise<R>>,
) => (this: This, ...args: A) => Promise<R>;

/** What `cached(options)` gives: it wraps a function, or decorates a method. */
export type Wrapping = MethodDecorating & (<F extends AnyFunction>(fn: F) => Wrapper<F>);

/** How a kind of wrapping wraps functions and methods. */
export interface Makers {
  readonly wrapFunction: (fn: AnyFunction) => AnyFunction;
  readonly wrapMethod: (method: AnyFunction, context: ClassMethodDecoratorContext) => AnyFunction;
}

/**
 * Offers the three forms. `fn` is given in the second form only.
 *
 * @throws {OptionError} for what is not a function, and for what is decorated but not a method.
 */
export function wrapping(kind: string, { wrapFunction, wrapMethod }: Makers): AnyFunction {
  return (target: unknown, context?: unknown, descriptor?: unknown) => {
    if (context === undefined) return wrapFunction(checkFunction(kind, target));
    if (descriptor !== undefined || typeof context !== "object" || context === null) {
      throw new OptionError(
        `@${kind}() is a standard (TC39) decorator, but was called in the manner of ` +
          `experimentalDecorators. Remove "experimentalDecorators" from the compiler's options.`,
      );
    }
    const { kind: decorated } = context as DecoratorContext;
    if (decorated === "method") {
      return wrapMethod(target as AnyFunction, context as ClassMethodDecoratorContext);
    }
    throw new OptionError(
      `@${kind}() decorates methods; got a ${decorated}. ` +
        `Move the computation into an async method and decorate that.`,
    );
  };
}

/** Checks that what is to be wrapped is a function. */
export function checkFunction(kind: string, fn: unknown): AnyFunction {
  if (typeof fn === "function") return fn as AnyFunction;
  throw new OptionError(
    `${kind}() wraps a function: ${kind}(options)(fn) or ${kind}(options, fn); got ${show(fn)}.`,
  );
}
