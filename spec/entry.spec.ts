import { expect } from "chai";
import { judge, lastUse, makeEntry, retire, type Entry, type EntryFacts } from "../src/entry.js";

const held = { bytes: 1, shared: true, give: () => "value" };
const FACTS: EntryFacts = {
  key: "key",
  held,
  storedAt: 1000,
  freshUntil: 2000,
  staleUntil: 3000,
  errorUntil: 4000,
  cost: 5,
  carried: [],
  owner: undefined,
  check: undefined,
};

function entry(facts: Partial<EntryFacts> = {}): Entry {
  return makeEntry({ ...FACTS, ...facts });
}

describe("an entry", () => {
  it("keeps its facts and starts outside of any store", () => {
    const { alive, epoch, touched, promise, table, place, ...facts } = entry();
    expect(facts).to.deep.equal(FACTS);
    expect({ alive, epoch, touched, promise, table, place }).to.deep.equal({
      alive: false,
      epoch: -1,
      touched: -1,
      promise: undefined,
      table: undefined,
      place: undefined,
    });
  });

  it("always has the same fields in the same order", () => {
    const { check, ...rest } = FACTS;
    expect(Object.keys(makeEntry({ check, ...rest }))).to.deep.equal(Object.keys(entry()));
  });

  const verdicts: readonly (readonly [number, string])[] = [
    [0, "fresh"],
    [1999, "fresh"],
    [2000, "stale"],
    [2999, "stale"],
    [3000, "spare"],
    [3999, "spare"],
    [4000, "dead"],
    [Infinity, "dead"],
  ];
  for (const [now, verdict] of verdicts) {
    it(`is ${verdict} at ${now}`, () => expect(judge(entry(), now)).to.equal(verdict));
  }

  it("without stale time is dead as soon as it is not fresh", () => {
    expect(judge(entry({ staleUntil: 2000, errorUntil: 2000 }), 2000)).to.equal("dead");
  });

  it("without end is always fresh", () => {
    const endless = entry({ freshUntil: Infinity, staleUntil: Infinity, errorUntil: Infinity });
    expect(judge(endless, Number.MAX_SAFE_INTEGER)).to.equal("fresh");
  });

  it("is of use until the last of its three times", () => {
    expect(lastUse(entry())).to.equal(4000);
    expect(lastUse(entry({ staleUntil: 9000 }))).to.equal(9000);
    expect(lastUse(entry({ staleUntil: 0, errorUntil: 0 }))).to.equal(2000);
  });

  it("that is retired is gone from the side table and holds no value's promise", () => {
    const table = new Map<unknown, Entry>();
    const one = entry();
    Object.assign(one, { alive: true, table, place: "/a", promise: Promise.resolve("value") });
    table.set("/a", one);
    retire(one);
    expect([...table]).to.deep.equal([]);
    expect([one.alive, one.table, one.promise]).to.deep.equal([false, undefined, undefined]);
  });

  it("that is retired leaves its successor in the side table", () => {
    const table = new Map<unknown, Entry>();
    const [old, successor] = [entry(), entry()];
    Object.assign(old, { alive: true, table, place: "/a" });
    table.set("/a", successor);
    retire(old);
    expect(table.get("/a")).to.equal(successor);
  });
});
