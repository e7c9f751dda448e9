import { expect } from "chai";
import { array, assert, nat, property, tuple } from "fast-check";
import { OVERTAKEN, Scope } from "../src/scope.js";

const HOME = {};

describe("a scope", () => {
  it("collects the tags of what is read, each once", () => {
    const scope = new Scope(HOME);
    scope.carry([{ tag: "a", mark: "1" }], HOME);
    scope.carry(
      [
        { tag: "a", mark: "1" },
        { tag: "b", mark: "2" },
      ],
      HOME,
    );
    expect(scope.carried).to.deep.equal([
      { tag: "a", mark: "1" },
      { tag: "b", mark: "2" },
    ]);
  });

  it("that read one tag with two marks carries one that never holds", () => {
    const scope = new Scope(HOME);
    for (const mark of ["1", "2", "1", "2"]) scope.carry([{ tag: "a", mark }], HOME);
    expect(scope.carried).to.deep.equal([{ tag: "a", mark: OVERTAKEN }]);
  });

  it("leaves the tags of another cache alone", () => {
    const scope = new Scope(HOME);
    scope.carry([{ tag: "a", mark: "1" }], {});
    expect(scope.carried).to.deep.equal([]);
  });

  it("reaches itself and what it waits for, directly or not", () => {
    const [a, b, c, d] = [new Scope(HOME), new Scope(HOME), new Scope(HOME), new Scope(HOME)];
    a.waits.add(b);
    b.waits.add(c);
    expect([a.reaches(a), a.reaches(b), a.reaches(c), a.reaches(d)]).to.deep.equal([
      true,
      true,
      true,
      false,
    ]);
    expect([c.reaches(a), b.reaches(a)]).to.deep.equal([false, false]);
  });

  it("ends its search in any tangle of waits, with the right answer", () => {
    const pair = tuple(nat(9), nat(9));
    assert(
      property(array(pair, { maxLength: 30 }), pair, (waits, [from, to]) => {
        const scopes = Array.from({ length: 10 }, () => new Scope(HOME));
        for (const [waiter, awaited] of waits) scopes[waiter]!.waits.add(scopes[awaited]!);
        const reachable = new Set([from]);
        for (let round = 0; round < 10; round += 1) {
          for (const [waiter, awaited] of waits) if (reachable.has(waiter)) reachable.add(awaited);
        }
        expect(scopes[from]!.reaches(scopes[to]!)).to.equal(reachable.has(to));
      }),
    );
  });

  it("follows a chain of a hundred thousand waits", () => {
    const first = new Scope(HOME);
    let last = first;
    for (let link = 0; link < 100_000; link += 1) {
      const next = new Scope(HOME);
      last.waits.add(next);
      last = next;
    }
    expect(first.reaches(last)).to.equal(true);
  });

  it("takes nothing over once its computation is over", () => {
    const home = {};
    const scope = new Scope(home);
    scope.carry([{ tag: "a", mark: "1" }], home);
    scope.close();
    scope.carry([{ tag: "b", mark: "2" }], home);
    expect(scope.carried).to.deep.equal([{ tag: "a", mark: "1" }]);
  });
});
