// Claims: whoever cannot compute after all leaves nobody waiting.
import { expect } from "chai";
import { Cache } from "../src/index.js";

describe("a claim", () => {
  it("ends when a strict store fails while versions are made", async () => {
    const values = new Map<string, unknown>();
    let down = true;
    const store = {
      get: async (key: string) => values.get(key),
      set: async (key: string, value: unknown) => {
        if (down) throw new Error("down");
        values.set(key, value);
      },
      delete: async (key: string) => values.delete(key),
      clear: async () => values.clear(),
    };
    const cache = new Cache({ store, strict: true });
    const failure = await cache.fragment("menu", {}, () => "x").catch((error: Error) => error);
    expect(failure).to.be.instanceOf(Error);
    down = false;
    expect(await cache.fragment("menu", {}, () => "y")).to.equal("y");
    await cache.close();
  });
});
