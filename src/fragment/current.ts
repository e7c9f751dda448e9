// The rendering that a template tag belongs to, found by the asynchronous chain it runs in.
import { frames } from "../scope.js";

/** Runs a function so that `current()` gives this rendering in all that it starts. */
export function enter<T>(rendering: object, run: () => T): T {
  const around = frames.getStore();
  return frames.run({ request: around?.request, scope: around?.scope, rendering }, run);
}

/** The rendering entered last, if any. */
export function current(): object | undefined {
  return frames.getStore()?.rendering;
}
