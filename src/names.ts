// The names of memoized functions in one cache: two functions must not share one by accident.
import { DuplicateNameError, OptionError, show } from "./errors.js";
import type { AnyFunction } from "./rules.js";

interface Named {
  /** What the name stands for: the function, or the class that declares the method. */
  readonly bearer: unknown;
  readonly explicit: boolean;
  wrapper: AnyFunction | undefined;
}

/** The names given so far. */
export class Names {
  readonly #named = new Map<string, Named>();

  /**
   * Gives a name to a function.
   *
   * @throws {DuplicateNameError} if another function has it, unless both were given it explicitly
   */
  claim(name: string, bearer: unknown, explicit: boolean): void {
    const other = this.#named.get(name);
    if (other === undefined) this.#named.set(name, { bearer, explicit, wrapper: undefined });
    else if (other.bearer !== bearer && !(other.explicit && explicit)) {
      throw new DuplicateNameError(name);
    }
  }

  /** Remembers the wrapper that a name leads to: the first one that was given it. */
  lead(name: string, wrapper: AnyFunction): void {
    const named = this.#named.get(name);
    if (named !== undefined) named.wrapper ??= wrapper;
  }

  /**
   * The memoized function of a name that was given explicitly.
   *
   * @throws {OptionError} for a name that was not
   */
  explicit(name: string): AnyFunction {
    const named = this.#named.get(name);
    if (named?.explicit === true && named.wrapper !== undefined) return named.wrapper;
    throw new OptionError(
      `No function was memoized under the explicit name ${show(name)}: ` +
        `pass the function itself, or wrap it with memoize({ name: ${show(name)} }, fn).`,
    );
  }
}
