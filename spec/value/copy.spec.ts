// Nobody who is given a held value can change it for anybody else.
import { expect } from "chai";
import * as fc from "fast-check";

import { hold } from "../../src/value/copy.js";
import { same } from "./same.js";
import { build, jsonValues, primitives, recipes } from "./samples.js";

/** Changes everything that can be changed in a value. */
function scramble(value: unknown, seen = new Set<unknown>()): void {
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  const members = Reflect.ownKeys(value).map((name) => Reflect.get(value, name) as unknown);
  if (value instanceof Map) members.push(...value.keys(), ...value.values());
  if (value instanceof Set) members.push(...value);
  for (const member of members) scramble(member, seen);
  change(value);
}

function change(value: object): void {
  if (value instanceof Map) value.set("changed", 1);
  else if (value instanceof Set) value.add("changed");
  else if (value instanceof Date) value.setTime(1);
  else if (value instanceof URL) value.pathname = "/changed";
  else if (value instanceof ArrayBuffer) new Uint8Array(value).fill(1);
  else if (ArrayBuffer.isView(value))
    new Uint8Array(value.buffer, value.byteOffset, value.byteLength).fill(1);
  else for (const name of Object.keys(value)) Reflect.set(value, name, "changed");
  Reflect.set(value, "added", 1);
}

describe("hold", () => {
  describe('in mode "copy"', () => {
    it("gives what was put in, down to holes, order, hidden properties and shared references", () => {
      fc.assert(
        fc.property(recipes, (recipe) => {
          const held = hold(build(recipe), "copy");
          expect(same(held.give(), build(recipe))).to.equal(true);
        }),
        { numRuns: 3000 },
      );
    });

    it("is untouched by what happens to the original or to another copy", () => {
      fc.assert(
        fc.property(recipes, (recipe) => {
          const original = build(recipe);
          const held = hold(original, "copy");
          scramble(original);
          const first = held.give();
          const second = held.give();
          scramble(first);
          expect(same(second, build(recipe))).to.equal(true);
          expect(same(held.give(), second)).to.equal(true);
        }),
        { numRuns: 3000 },
      );
    });

    it("does both for plain data, which is copied another way", () => {
      fc.assert(
        fc.property(jsonValues, (value) => {
          const twin: unknown = structuredClone(value);
          const held = hold(value, "copy");
          scramble(value);
          scramble(held.give());
          expect(same(held.give(), twin)).to.equal(true);
        }),
        { numRuns: 3000 },
      );
    });

    it("shares what nobody can change", () => {
      fc.assert(
        fc.property(primitives, (value) => {
          const held = hold(value, "copy");
          expect(held.shared).to.equal(true);
          expect(held.give()).to.satisfy((given: unknown) => Object.is(given, value));
        }),
      );
      const frozen = Object.freeze({ list: Object.freeze([1, Object.freeze({ a: 1n })]) });
      expect(hold(frozen, "copy")).to.include({ shared: true });
      expect(hold(frozen, "copy").give()).to.equal(frozen);
    });

    it("copies what is frozen but holds something that can be changed", () => {
      const hidden = Object.defineProperty({}, "meta", { value: {} });
      for (const value of [
        Object.freeze({ list: [1] }),
        Object.freeze([new Date(5)]),
        Object.freeze(new Map([[1, 2]])),
        Object.freeze(hidden),
      ]) {
        const held = hold(value, "copy");
        expect(held.shared).to.equal(false);
        expect(held.give()).not.to.equal(value);
        expect(held.give()).not.to.equal(held.give());
      }
    });

    it("gives no properties that the prototype of all objects was given", () => {
      const held = hold({ a: { b: 1 } }, "copy");
      Reflect.set(Object.prototype, "polluted", { c: 1 });
      try {
        expect(Object.hasOwn(held.give() as object, "polluted")).to.equal(false);
        expect(Object.hasOwn(hold({ a: 1 }, "copy").give() as object, "polluted")).to.equal(false);
      } finally {
        Reflect.deleteProperty(Object.prototype, "polluted");
      }
    });

    it("keeps an own property named __proto__ what it is", () => {
      const value = JSON.parse('{"__proto__":{"a":{}},"b":{}}') as object;
      const copy = hold(value, "copy").give() as object;
      expect(Object.getPrototypeOf(copy)).to.equal(Object.prototype);
      expect(JSON.stringify(copy)).to.equal('{"__proto__":{"a":{}},"b":{}}');
    });

    it("copies a list of four thousand million holes at once", () => {
      const list: unknown[] = [];
      list[4_000_000_000] = { a: 1 };
      const copy = hold(list, "copy").give() as unknown[];
      expect(copy).to.have.lengthOf(4_000_000_001);
      expect(Object.keys(copy)).to.deep.equal(["4000000000"]);
    });

    it("gives each Buffer memory of its own", () => {
      const original = Buffer.from("pooled");
      const copy = hold(original, "copy").give() as Buffer;
      expect(copy).to.be.instanceOf(Buffer);
      expect(copy.buffer).not.to.equal(original.buffer);
      expect(copy.buffer.byteLength).to.equal(6);
    });

    it("keeps views that show all of one buffer together", () => {
      const bytes = new ArrayBuffer(8);
      const held = hold(
        { bytes, octets: new Uint8Array(bytes), data: new DataView(bytes) },
        "copy",
      );
      const copy = held.give() as { bytes: ArrayBuffer; octets: Uint8Array; data: DataView };
      expect(copy.octets.buffer).to.equal(copy.bytes);
      expect(copy.data.buffer).to.equal(copy.bytes);
    });
  });

  describe('in mode "freeze"', () => {
    it("gives everybody one deep-frozen value, and leaves the original as it was", () => {
      const original = { list: [{ a: 1 }], error: new Error("m", { cause: { b: [] } }) };
      const held = hold(original, "freeze");
      const given = held.give() as typeof original;
      expect(held.shared).to.equal(true);
      expect(held.give()).to.equal(given);
      expect(() => given.list.push({ a: 2 })).to.throw(TypeError);
      expect(() => (given.list[0]!.a = 2)).to.throw(TypeError);
      expect(() => (given.error.cause as { b: number[] }).b.push(1)).to.throw(TypeError);
      original.list.push({ a: 2 });
      expect(given.list).to.have.lengthOf(1);
    });

    it("freezes cycles", () => {
      const cycle: { self?: unknown } = {};
      cycle.self = cycle;
      const given = hold(cycle, "freeze").give() as typeof cycle;
      expect(given.self).to.equal(given);
      expect(Object.isFrozen(given)).to.equal(true);
    });

    it("copies what cannot be frozen, as in the other mode", () => {
      fc.assert(
        fc.property(recipes, (recipe) => {
          const held = hold(build(recipe), "freeze");
          const first = held.give();
          if (held.shared) expect(Object.isFrozen(first)).to.equal(true);
          else scramble(first);
          const expected = hold(build(recipe), "copy").give();
          if (!held.shared) expect(same(held.give(), expected)).to.equal(true);
        }),
        { numRuns: 1000 },
      );
      for (const value of [
        new Date(),
        new Map(),
        new Set(),
        /a/g,
        Buffer.from("a"),
        new URL("a:b"),
      ]) {
        expect(hold([value], "freeze").shared).to.equal(false);
      }
    });
  });

  it("counts bytes the same in both modes", () => {
    expect(hold({ a: "text" }, "freeze").bytes).to.equal(hold({ a: "text" }, "copy").bytes);
    expect(hold("text", "copy").bytes).to.be.within(4, 40);
  });
});
