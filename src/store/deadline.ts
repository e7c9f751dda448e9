// Ends the waiting for a store that may never answer.

/** What `within()` rejects with when the time is over. */
export const LATE: unique symbol = Symbol("late");

/**
 * What `work` brings, if it does until `deadline` (milliseconds since 1970); rejects with `LATE`
 * then. What it brings later is ignored.
 */
export function within<T>(work: Promise<T>, deadline: number): Promise<T> {
  return new Promise((resolve, reject) => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a word, not a failure
    const timer = setTimeout(() => reject(LATE), Math.max(0, deadline - Date.now()));
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
