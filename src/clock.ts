// The time, as cheap as a hit needs it: the clock is read twice a second while entries are hit.

const STEP = 500;
const IDLE_STEPS = 20;

const RealDate = Date;
const realNow = Date.now;
const isReal = Function.prototype.toString.call(Date).includes("[native code]");

/** No moment after it is past before the next step; `Infinity` while the stepping rests. */
let horizon = Infinity;
let idle = 0;
let timer: NodeJS.Timeout | undefined;

/**
 * Whether a moment (milliseconds since 1970) is still to come. Exact, except while the event loop
 * is blocked for longer than half a second: then a moment may count as to come until it is free
 * again. A replaced `Date` or `Date.now` (a test's clock) is always asked.
 */
export function isAhead(moment: number): boolean {
  if (moment > horizon && Date === RealDate && Date.now === realNow) {
    idle = 0;
    return true;
  }
  if (horizon === Infinity) start();
  return Date.now() < moment;
}

/** Changes twice a second while entries are hit, and means nothing else. */
export function coarseTick(): number {
  return horizon;
}

function start(): void {
  if (!isReal || Date !== RealDate || Date.now !== realNow) return;
  idle = 0;
  horizon = Date.now() + 2 * STEP;
  timer = setInterval(step, STEP);
  timer.unref();
}

function step(): void {
  idle += 1;
  if (idle < IDLE_STEPS) {
    horizon = realNow() + 2 * STEP;
    return;
  }
  clearInterval(timer);
  horizon = Infinity;
}
