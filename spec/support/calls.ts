// Calls within a request, and callables that keep what they are called with.
import { runInRequestContext } from "../../src/index.js";

/** Calls a function while a path is served. */
export function at<T>(path: string, run: () => T): T {
  return runInRequestContext(path, run);
}

/** Several calls, one after the other, within one request. */
export function calls<T>(times: number, run: () => Promise<T>): Promise<T[]> {
  return at("/", async () => {
    const values: T[] = [];
    for (let call = 0; call < times; call += 1) values.push(await run());
    return values;
  });
}

/** A callable that keeps what it is called with. */
export function spying<T>(
  answer: T,
): ((this: unknown, ...args: unknown[]) => T) & { seen: unknown[][] } {
  const seen: unknown[][] = [];
  const spy = function (this: unknown, ...args: unknown[]): T {
    seen.push([this, ...args]);
    return answer;
  };
  return Object.assign(spy, { seen });
}
