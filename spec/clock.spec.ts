import { install } from "@sinonjs/fake-timers";
import { expect } from "chai";
import type * as clockModule from "../src/clock.js";
import { isAhead } from "../src/clock.js";
import { stopClock } from "./support/clock.js";

describe("the coarse clock", () => {
  it("tells moments to come from moments past", () => {
    const now = Date.now();
    expect(isAhead(now + 10_000)).to.equal(true);
    expect(isAhead(now - 1)).to.equal(false);
    expect(isAhead(Infinity)).to.equal(true);
    expect(isAhead(-Infinity)).to.equal(false);
  });

  it("is exact about the near future", () => {
    const soon = Date.now() + 2;
    while (isAhead(soon)) expect(Date.now()).to.be.at.most(soon);
    expect(Date.now()).to.be.at.least(soon);
  });

  it("steps while it is asked and rests when nobody asks any more", async () => {
    const timers = install({ toFake: ["setInterval", "clearInterval"] });
    try {
      const fresh = (await import(`../src/clock.js?${Date.now()}`)) as typeof clockModule;
      expect(fresh.coarseTick()).to.equal(Infinity);
      fresh.isAhead(Infinity);
      expect(fresh.coarseTick()).to.be.within(Date.now(), Date.now() + 1000);
      timers.tick(9000);
      fresh.isAhead(Infinity);
      timers.tick(9000);
      expect(fresh.coarseTick()).to.be.below(Infinity);
      timers.tick(2000);
      expect(fresh.coarseTick()).to.equal(Infinity);
      expect(timers.countTimers()).to.equal(0);
      fresh.isAhead(Infinity);
      expect(fresh.coarseTick()).to.be.below(Infinity);
    } finally {
      timers.uninstall();
    }
  });

  describe("with a clock of a test in place", () => {
    const clock = stopClock();

    it("asks that clock, for near moments and far ones", () => {
      const near = Date.now() + 1;
      const far = Date.now() + 86_400_000;
      expect([isAhead(near), isAhead(far)]).to.deep.equal([true, true]);
      clock.jump(1);
      expect([isAhead(near), isAhead(far)]).to.deep.equal([false, true]);
      clock.jump(86_400);
      expect([isAhead(near), isAhead(far)]).to.deep.equal([false, false]);
    });

    it("follows that clock backwards", () => {
      const moment = Date.now() + 1000;
      clock.jump(2);
      expect(isAhead(moment)).to.equal(false);
      clock.jump(-2);
      expect(isAhead(moment)).to.equal(true);
    });
  });

  it("asks a replaced Date.now", () => {
    const { now } = Date;
    isAhead(Infinity);
    try {
      Date.now = () => 5000;
      expect([isAhead(5000), isAhead(5001)]).to.deep.equal([false, true]);
    } finally {
      Date.now = now;
    }
  });
});
