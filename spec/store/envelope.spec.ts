import { expect } from "chai";
import * as fc from "fast-check";
import { readEntry, readVersion, writeEntry, writeVersion } from "../../src/store/envelope.js";
import { entryOf, versionOf } from "../support/entries.js";

describe("the envelope of an entry", () => {
  const entry = entryOf("k", { a: [1, "ü€😀"] }, { carried: [{ tag: "r:", mark: "m" }] });
  const text = writeEntry(entry);

  it("holds every fact", () => {
    const facts = { staleUntil: Infinity, cost: 0.25, owner: "f#1", check: "" };
    const read = readEntry(writeEntry(entryOf("k", undefined, facts)), "k");
    expect(read).to.include(facts);
    expect(read?.held.give()).to.equal(undefined);
  });

  it("is nothing under another key", () => {
    expect(readEntry(text, "K")).to.equal(undefined);
    expect(readEntry(text, "k ")).to.equal(undefined);
  });

  it("is nothing once a single character is missing at its end", () => {
    for (let length = 0; length < text.length; length += 1) {
      expect(readEntry(text.slice(0, length), "k"), `${length} characters`).to.equal(undefined);
    }
    expect(readEntry(text, "k")?.held.give()).to.deep.equal({ a: [1, "ü€😀"] });
  });

  it("is nothing in another format", () => {
    expect(readEntry(`0${text.slice(1)}`, "k")).to.equal(undefined);
    expect(readEntry(`2${text.slice(1)}`, "k")).to.equal(undefined);
    expect(readVersion(text, "k")).to.equal(undefined);
  });

  it("is nothing when a fact is not what it must be", () => {
    const head: unknown[] = ["k", 4, 0, 0, 0, 0, 0, [], null, null];
    const written = (facts: unknown): string => `1e${JSON.stringify(facts)}\n1j""`;
    expect(readEntry(written(head), "k")?.held.give()).to.equal("");
    const wrong = [
      {},
      null,
      head.slice(1),
      head.with(2, "0"),
      head.with(6, null),
      head.with(7, {}),
    ];
    for (const facts of [...wrong, head.with(7, [1, 2])]) {
      expect(readEntry(written(facts), "k"), JSON.stringify(facts)).to.equal(undefined);
    }
  });

  it("is nothing in anything else", () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.string()), (foreign) => {
        for (const given of [foreign, `1e${String(foreign)}`, `1v${String(foreign)}`]) {
          expect(readEntry(given, "k")).to.equal(undefined);
          expect(readVersion(given, "k")).to.equal(undefined);
        }
      }),
    );
  });
});

describe("the envelope of a version", () => {
  it("holds tag, mark and end", () => {
    for (const version of [versionOf("t:ü \ud800", "m,1"), versionOf("", "m", Infinity)]) {
      expect(readVersion(writeVersion(version), version.tag)).to.deep.equal(version);
    }
  });

  it("is nothing under another tag, cut short, or past its end", () => {
    const text = writeVersion(versionOf("tag", "m"));
    expect(readVersion(text, "Tag")).to.equal(undefined);
    expect(readVersion(text.slice(0, -1), "tag")).to.equal(undefined);
    expect(readVersion(writeVersion(versionOf("tag", "m", Date.now())), "tag")).to.equal(undefined);
    for (const damaged of [
      '1vsoon,1,m"tag"',
      '1v,1,m"tag"',
      '1v"tag"',
      '1v1,"tag"',
      '1vInfinity,x,m"tag"',
    ]) {
      expect(readVersion(damaged, "tag"), damaged).to.equal(undefined);
    }
    expect(readVersion(writeVersion(versionOf("", "mark")).slice(0, -1), "")).to.equal(undefined);
    expect(readEntry(text, "tag")).to.equal(undefined);
  });
});
