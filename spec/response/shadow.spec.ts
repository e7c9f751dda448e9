import { expect } from "chai";
import { shadow } from "../../src/response/shadow.js";

function watched(target: object, name: string): { seen: string[]; remove: () => void } {
  const seen: string[] = [];
  const placed = shadow(target, name, {
    get: (beneath) => {
      seen.push("get");
      return beneath.get();
    },
    set: (beneath, value) => {
      seen.push(`set ${String(value)}`);
      beneath.set(value);
    },
  });
  return { seen, remove: () => placed?.remove() };
}

type Any = Record<string, unknown>;

describe("a property that is watched for a while", () => {
  it("gives its value, and tells who reads and writes it", () => {
    const target: Any = { a: 1 };
    const { seen } = watched(target, "a");
    expect(target["a"]).to.equal(1);
    target["a"] = 2;
    expect(target["a"]).to.equal(2);
    expect(seen).to.deep.equal(["get", "set 2", "get"]);
  });

  it("is afterwards what it was, with the value it has by then", () => {
    const target: Any = { a: 1 };
    const { remove } = watched(target, "a");
    target["a"] = 2;
    remove();
    expect(Object.getOwnPropertyDescriptor(target, "a")).to.deep.equal({
      value: 2,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  });

  it("may be read-only", () => {
    const target: Any = Object.defineProperty({}, "a", { value: 1, configurable: true });
    const { remove } = watched(target, "a");
    target["a"] = 2;
    expect(target["a"]).to.equal(1);
    remove();
    expect(target["a"]).to.equal(1);
  });

  it("may be an accessor of its own", () => {
    let value = 1;
    const target: Any = {};
    const own = { get: () => value, set: (next: number) => (value = next), configurable: true };
    Object.defineProperty(target, "a", { ...own, enumerable: true });
    const before = Object.getOwnPropertyDescriptor(target, "a");
    const { seen, remove } = watched(target, "a");
    target["a"] = 5;
    expect(target["a"]).to.equal(5);
    expect(seen).to.have.length(2);
    remove();
    expect(Object.getOwnPropertyDescriptor(target, "a")).to.deep.equal(before);
  });

  it("may be inherited, and is called on the object", () => {
    class Base {
      value = 1;
      get a(): number {
        return this.value;
      }
      set a(next: number) {
        this.value = next;
      }
    }
    const target = new Base();
    const { seen, remove } = watched(target, "a");
    target.a = 5;
    expect([target.a, target.value]).to.deep.equal([5, 5]);
    expect(seen).to.have.length(2);
    remove();
    expect(Object.hasOwn(target, "a")).to.equal(false);
    expect(target.a).to.equal(5);
  });

  it("may be absent, and becomes the object's own when it is set", () => {
    const target: Any = {};
    const { remove } = watched(target, "a");
    expect(target["a"]).to.equal(undefined);
    expect(Object.keys(target)).to.deep.equal([]);
    target["a"] = 1;
    expect(target["a"]).to.equal(1);
    remove();
    expect(Object.entries(target)).to.deep.equal([["a", 1]]);
  });

  it("disappears again when it stays absent", () => {
    const target: Any = {};
    watched(target, "a").remove();
    expect(Object.hasOwn(target, "a")).to.equal(false);
  });

  it("belongs to whoever defines it anew", () => {
    const target: Any = { a: 1 };
    const { remove } = watched(target, "a");
    Object.defineProperty(target, "a", { value: "theirs", configurable: true });
    remove();
    expect(target["a"]).to.equal("theirs");
  });

  it("may be watched twice at once", () => {
    const target: Any = { a: 1 };
    const outer = watched(target, "a");
    const inner = watched(target, "a");
    expect(target["a"]).to.equal(1);
    expect([outer.seen, inner.seen]).to.deep.equal([["get"], ["get"]]);
    inner.remove();
    outer.remove();
    expect(Object.getOwnPropertyDescriptor(target, "a")?.value).to.equal(1);
  });

  it("may be watched by several that end in any order", () => {
    const target: Any = { a: 1 };
    const outer = watched(target, "a");
    const inner = watched(target, "a");
    outer.remove();
    target["a"] = 2;
    expect(target["a"]).to.equal(2);
    expect([outer.seen, inner.seen]).to.deep.equal([[], ["set 2", "get"]]);
    inner.remove();
    expect(Object.getOwnPropertyDescriptor(target, "a")?.value).to.equal(2);
    expect(Object.getOwnPropertySymbols(target)).to.deep.equal([]);
  });

  it("may be read through an object that inherits it", () => {
    const target: Any = { a: 1 };
    const { seen } = watched(target, "a");
    expect((Object.create(target) as Any)["a"]).to.equal(1);
    expect(seen).to.deep.equal(["get"]);
  });

  it("gives nothing to who kept its accessors", () => {
    const target: Any = { a: 1 };
    const { remove } = watched(target, "a");
    const kept = Object.getOwnPropertyDescriptor(target, "a")!;
    remove();
    Object.defineProperty(target, "a", kept);
    target["a"] = 2;
    expect(target["a"]).to.equal(undefined);
  });

  it("needs an object that allows it", () => {
    expect(shadow(Object.freeze({ a: 1 }), "a", { get: () => 2 })).to.equal(undefined);
    expect(shadow(Object.freeze({}), "a", { get: () => 2 })).to.equal(undefined);
  });
});
