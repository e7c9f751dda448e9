import { expect } from "chai";
import * as fc from "fast-check";
import { Addresses } from "../../src/store/address.js";

const text = fc.string({ unit: "binary", maxLength: 300 });
const kinds = fc.constantFrom("entry" as const, "version" as const);
const asked = fc.record({ namespace: text, key: text, kind: kinds });

function address(
  { namespace, key, kind }: { namespace: string; key: string; kind: "entry" | "version" },
  foldsCase = false,
): string {
  return new Addresses(namespace || "n", foldsCase)[kind](key);
}

describe("an address", () => {
  it("tells namespace and key as far as they are plain", () => {
    const addresses = new Addresses("koa-caching", false);
    expect(addresses.entry("view//posts")).to.equal("~1:koa-caching:e:view~2f~2fposts");
    expect(addresses.version("r:")).to.equal("~1:koa-caching:t:r~3a");
  });

  it("is short and of characters that every store takes as they are", () => {
    fc.assert(
      fc.property(asked, (given) => {
        expect(address(given)).to.match(/^[A-Za-z0-9._~:-]{1,200}$/);
      }),
    );
  });

  it("is another one for another namespace, key or kind", () => {
    fc.assert(
      fc.property(asked, asked, (one, other) => {
        fc.pre(one.namespace !== "" && other.namespace !== "");
        const same = JSON.stringify(one) === JSON.stringify(other);
        expect(address(one) === address(other)).to.equal(same);
      }),
    );
    const edge = ["n:e", "n", "~", "n~3ae", "N"];
    const all = edge.flatMap((namespace) =>
      edge.map((key) => new Addresses(namespace, false).entry(key)),
    );
    expect(new Set(all).size).to.equal(all.length);
  });

  it("differs in more than case where the store does not tell cases apart", () => {
    const keys = ["Foo", "foo", "FOO", "~46oo", "x".repeat(300), "X".repeat(300)];
    const all = keys.map((key) => new Addresses("N", true).entry(key));
    expect(new Set(all.map((one) => one.toLowerCase())).size).to.equal(keys.length);
    expect(all.join("")).to.equal(all.join("").toLowerCase());
  });
});
