// The heap, measured after everything that can go has gone.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/** Collects all garbage, that of finished promises included. */
export async function collectGarbage(): Promise<void> {
  await new Promise<void>((done) => void setImmediate(done));
  setFlagsFromString("--expose-gc");
  collect ??= runInNewContext("gc") as () => void;
  collect();
}

/** How many bytes of the heap are in use. */
export async function heapUsed(): Promise<number> {
  await collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** How many of the objects are still there. */
export async function countAlive(refs: readonly WeakRef<object>[]): Promise<number> {
  await collectGarbage();
  return refs.filter((ref) => ref.deref() !== undefined).length;
}
