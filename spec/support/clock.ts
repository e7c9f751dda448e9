// A clock for specs: Date and timers stand still until a spec moves them.
import { install, type Clock } from "@sinonjs/fake-timers";

/** The clock of the specs of one `describe`. */
export interface SpecClock {
  /** Moves the time on; timers that are due fire, and promises settle. */
  pass(seconds: number): Promise<void>;
  /** Moves the time on without letting anything else happen. */
  jump(seconds: number): void;
}

/** Stops the time before each spec of the surrounding `describe`, and lets it go on afterwards. */
export function stopClock(): SpecClock {
  let clock: Clock;
  beforeEach(() => {
    clock = install({
      now: Date.UTC(2026, 0, 1),
      toFake: ["Date", "setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"],
    });
  });
  afterEach(() => clock.uninstall());
  return {
    pass: async (seconds) => {
      await clock.tickAsync(seconds * 1000);
    },
    jump: (seconds) => clock.setSystemTime(Date.now() + seconds * 1000),
  };
}
