import { expect } from "chai";
import { Breaker } from "../../src/store/breaker.js";
import { install, type Clock } from "@sinonjs/fake-timers";

describe("the breaker", () => {
  let clock: Clock;
  let breaker: Breaker;

  beforeEach(() => {
    clock = install({ toFake: ["Date"] });
    breaker = new Breaker({ failures: 3, rest: 1000 });
  });
  afterEach(() => clock.uninstall());

  function failOften(times: number): boolean[] {
    return Array.from({ length: times }, () => breaker.failed("call"));
  }

  it("lets calls through until too many failed in a row", () => {
    expect(failOften(2)).to.deep.equal([false, false]);
    expect(breaker.admit()).to.equal("call");
    expect(failOften(1)).to.deep.equal([true]);
    expect(breaker.admit()).to.equal(undefined);
  });

  it("starts counting anew at each success", () => {
    failOften(2);
    breaker.succeeded();
    expect(failOften(2)).to.deep.equal([false, false]);
    expect(breaker.admit()).to.equal("call");
  });

  it("lets a single call try after the rest", () => {
    failOften(3);
    clock.tick(999);
    expect(breaker.admit()).to.equal(undefined);
    clock.tick(1);
    expect(breaker.admit()).to.equal("probe");
    expect(breaker.admit()).to.equal(undefined);
    breaker.succeeded();
    expect(breaker.admit()).to.equal("call");
  });

  it("rests again when that call fails", () => {
    failOften(3);
    clock.tick(1000);
    breaker.admit();
    expect(breaker.failed("probe")).to.equal(true);
    clock.tick(999);
    expect(breaker.admit()).to.equal(undefined);
    clock.tick(1);
    expect(breaker.admit()).to.equal("probe");
  });

  it("does not rest longer for calls that were under way when it began", () => {
    failOften(3);
    clock.tick(500);
    expect(breaker.failed("call")).to.equal(false);
    clock.tick(500);
    expect(breaker.admit()).to.equal("probe");
    expect(breaker.failed("call")).to.equal(false);
    expect(breaker.admit(), "while the probe is under way").to.equal(undefined);
  });
});
