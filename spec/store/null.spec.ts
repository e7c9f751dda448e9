import { expect } from "chai";
import { NullStore } from "../../src/store/null.js";
import { openStore } from "../../src/store/open.js";
import { entryOf, versionOf } from "../support/entries.js";
import { openingOptions } from "../support/opening.js";

describe("the null store", () => {
  const { emitWarning } = process;
  let warnings: unknown[][];
  beforeEach(() => {
    warnings = [];
    process.emitWarning = (...warning: unknown[]) => void warnings.push(warning);
  });
  afterEach(() => {
    process.emitWarning = emitWarning;
  });

  it("stores nothing, and says that there is nothing to store for", async () => {
    const store = new NullStore("silent");
    store.write();
    expect(store.add()).to.equal(false);
    expect(store.establish([versionOf("t", "m")])).to.deep.equal([undefined]);
    store.outdate();
    store.empty();
    expect(store.read(["k"], ["t"])).to.deep.equal({
      entries: [undefined],
      versions: [undefined],
      failed: true,
    });
    expect(store.remove([entryOf("k", 1).key])).to.deep.equal([false]);
    expect(store.forget(["t"])).to.deep.equal([false]);
    await store.idle();
    await store.close();
  });

  it("warns once a cache that caching is off", () => {
    const store = openStore(openingOptions({ store: "null:", onNullStore: "warn" }));
    void store.read(["k"], []);
    void store.read(["k"], []);
    expect(store.tier).to.equal("null");
    expect(warnings).to.have.lengthOf(1);
    expect(warnings[0]?.[0]).to.contain("Caching is off").and.to.contain("onNullStore");
  });

  it("is silent when it is told to be", () => {
    openStore(openingOptions({ store: "null:", onNullStore: "silent" }));
    expect(warnings).to.deep.equal([]);
  });
});
