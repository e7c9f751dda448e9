// A scheduler that decides by a seed what happens next, so that a run can be repeated.

/** Runs asynchronous work whose pauses end in an order that the seed decides. */
export class Scheduler {
  #state: number;
  #ticks = 0;
  #isOver = false;
  readonly #paused: (() => void)[] = [];

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A number from 0 up to, but without, 1 (mulberry32). */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 up to, but without, `end`. */
  below(end: number): number {
    return Math.floor(this.random() * end);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** A moment: later ones are greater. */
  now(): number {
    this.#ticks += 1;
    return this.#ticks;
  }

  /** Ends when the scheduler says so; at once when the run is over. */
  pause(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    return new Promise((resolve) => this.#paused.push(resolve));
  }

  /**
   * Runs `main` to its end.
   *
   * @throws if it cannot end, because nothing is paused and nothing goes on.
   */
  async run<T>(main: () => Promise<T>): Promise<T> {
    let ended = false;
    const result = main().finally(() => (ended = true));
    // A failure is thrown at the end; it must not be reported as unhandled before.
    result.catch(() => undefined);
    for (;;) {
      await new Promise<void>((turned) => void setImmediate(turned));
      if (ended) return this.#end(result);
      if (this.#paused.length === 0) throw new Error("Nothing goes on: everybody waits.");
      this.#resume();
    }
  }

  /** Lets go what is still paused: a store that never answers would be asked again and again. */
  #end<T>(result: T): T {
    this.#isOver = true;
    for (const resume of this.#paused.splice(0)) resume();
    return result;
  }

  /** Lets one pause end, sometimes several in the same turn. */
  #resume(): void {
    do {
      const [resolve] = this.#paused.splice(this.below(this.#paused.length), 1);
      resolve!();
    } while (this.#paused.length > 0 && this.random() < 0.3);
  }
}
