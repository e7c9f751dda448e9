import { expect } from "chai";
import { Scope } from "../src/scope.js";
import { Flight, SingleFlight, type Identity } from "../src/single-flight.js";
import { settled } from "./support/computation.js";

const scope = new Scope({});

function flight(
  identity: Partial<Identity> = {},
  marks: readonly (string | undefined)[] = ["1"],
): Flight {
  const whole = { key: "key", owner: undefined, check: undefined, tags: ["tag"], ...identity };
  return new Flight(whole, marks, { epoch: 0, scope });
}

describe("a flight", () => {
  it("answers a call that came before the function began to run, whatever versions it read", () => {
    const one = flight({}, [undefined]);
    for (const marks of [[undefined], ["1"], ["2"]]) {
      expect(one.answers(one.identity, marks, 5)).to.equal(true);
    }
    one.start(6, ["1"]);
    for (const marks of [[undefined], ["1"], ["2"]]) {
      expect(one.answers(one.identity, marks, 5)).to.equal(true);
    }
  });

  it("answers a call that came later if it read the versions that hold, and no other", () => {
    const one = flight({}, [undefined]);
    one.start(6, ["1"]);
    for (const marks of [[undefined], ["2"], ["1", "2"], []]) {
      expect(one.answers(one.identity, marks, 7)).to.equal(false);
    }
    expect(one.answers(one.identity, ["1"], 7)).to.equal(true);
  });

  it("answers no call with other tags, or another check beyond the key", () => {
    const one = flight({ check: "digest" });
    for (const other of [
      { check: "other" },
      { check: undefined },
      { tags: [] },
      { tags: ["tag", "more"] },
    ]) {
      expect(one.answers({ ...one.identity, ...other }, ["1"], 0)).to.equal(false);
    }
    expect(one.answers(one.identity, ["1"], 0)).to.equal(true);
  });

  it("that fails while nobody waits does not become an unhandled rejection", async () => {
    const seen: unknown[] = [];
    const listen = (reason: unknown): number => seen.push(reason);
    process.on("unhandledRejection", listen);
    flight().reject(new Error("unheard"));
    await settled();
    process.off("unhandledRejection", listen);
    expect(seen).to.deep.equal([]);
  });
});

describe("the flights of a cache", () => {
  it("are found by key until they end", () => {
    const flights = new SingleFlight();
    const one = flight();
    flights.start(one);
    expect(flights.of("key", 0)).to.equal(one);
    expect(flights.of("other", 0)).to.equal(undefined);
    flights.end(one);
    expect(flights.of("key", 0)).to.equal(undefined);
    expect(one.storable).to.equal(true);
  });

  it("give way to a newer one of the same key, whose result replaces what they bring later", () => {
    const flights = new SingleFlight();
    const [older, newer] = [flight(), flight()];
    flights.start(older);
    flights.start(newer);
    expect(flights.of("key", 0)).to.equal(newer);
    expect([older.storable, newer.storable]).to.deep.equal([true, true]);
    flights.overtake(newer);
    expect([older.storable, newer.storable]).to.deep.equal([false, true]);
    flights.end(newer);
    expect(flights.of("key", 0)).to.equal(undefined);
    flights.end(older);
  });

  it("end before a newer one does without anybody noticing, and can be dropped until then", () => {
    const flights = new SingleFlight();
    const [oldest, older, newer] = [flight(), flight(), flight()];
    for (const one of [oldest, older, newer]) flights.start(one);
    flights.overtake(older);
    flights.end(older);
    expect([oldest, older, newer].map(({ storable }) => storable)).to.deep.equal([
      false,
      true,
      true,
    ]);
    expect(flights.of("key", 0)).to.equal(newer);
    flights.drop("key");
    expect(newer.storable).to.equal(false);
    const last = flight();
    flights.start(last);
    for (const one of [newer, oldest]) flights.end(one);
    expect(flights.of("key", 0)).to.equal(last);
  });

  it("that ended are found by reads that began before, until those are over", () => {
    const flights = new SingleFlight();
    const [before, one] = [flights.turn(), flight()];
    flights.opened(before);
    flights.start(one);
    flights.end(one);
    const after = flights.turn();
    flights.opened(after);
    expect([flights.of("key", before), flights.of("key", after)]).to.deep.equal([one, undefined]);
    flights.closed(before);
    expect(flights.of("key", before)).to.equal(undefined);
    flights.closed(after);
  });

  it("that ended are not found once their key is dropped or computed anew", () => {
    for (const drop of ["drop", "dropAll", "start"] as const) {
      const flights = new SingleFlight();
      const asked = flights.turn();
      const [one, next] = [flight(), flight()];
      flights.opened(asked);
      flights.start(one);
      flights.end(one);
      if (drop === "drop") flights.drop("key");
      else if (drop === "dropAll") flights.dropAll();
      else flights.start(next);
      expect(flights.of("key", asked)).to.equal(drop === "start" ? next : undefined);
    }
  });

  it("can be dropped: one key's, or all", () => {
    const flights = new SingleFlight();
    const [a, b, c] = [flight({ key: "a" }), flight({ key: "b" }), flight({ key: "c" })];
    for (const one of [a, b, c]) flights.start(one);
    flights.drop("a");
    flights.drop("unknown");
    expect([a, b, c].map(({ storable }) => storable)).to.deep.equal([false, true, true]);
    flights.dropAll();
    expect([a, b, c].map(({ storable }) => storable)).to.deep.equal([false, false, false]);
    expect(flights.of("c", 0)).to.equal(undefined);
  });
});
