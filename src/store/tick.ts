// The end of the current tick.

/**
 * Resolves when all that is ready to run now has run, so that what is asked for by many at the same
 * time can be asked in one go.
 */
export function endOfTick(): Promise<void> {
  // A tick of its own behind a microtask: promises that are settled already have gone on by then.
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
}
