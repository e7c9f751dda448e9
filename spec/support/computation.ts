// Functions to be wrapped in specs: they count their runs, or end when a spec says so.

/** A function that gives how often it has run, counting from 1. */
export function counting(): () => Promise<number> {
  let runs = 0;
  return async function count() {
    runs += 1;
    return runs;
  };
}

/** A promise that a spec settles. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

export function deferred<T = void>(): Deferred<T> {
  let settle!: Pick<Deferred<T>, "resolve" | "reject">;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
}

/** Lets everything happen that is due without any clock or network. */
export async function settled(): Promise<void> {
  for (let round = 0; round < 5; round += 1)
    await new Promise<void>((done) => void setImmediate(done));
}

/** What a promise rejects with; fails if it does not. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a rejection");
}
