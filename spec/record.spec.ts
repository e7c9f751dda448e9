// What a computation brought, when the store cannot be asked.
import { expect } from "chai";
import { Cache } from "../src/index.js";

describe("a result that names its tags", () => {
  it("does not wait for a store once more that did not answer before", async () => {
    const asked: string[] = [];
    const store = {
      get: (key: string) => {
        asked.push(key);
        return new Promise<never>(() => {});
      },
      set: async () => true,
      delete: async () => true,
      clear: async () => undefined,
    };
    const cache = new Cache({ store, storeTimeout: "50ms" });
    const errors: unknown[] = [];
    cache.on("error", ({ error }) => errors.push(error));
    const tagged = cache.memoize({ tags: () => ["late"] }, async function tagged() {
      return 1;
    });
    expect(await tagged()).to.equal(1);
    expect(errors).to.have.length(1);
    expect(asked.length).to.be.greaterThan(0);
    expect(asked.filter((key) => key.includes("late"))).to.deep.equal([]);
  });
});
