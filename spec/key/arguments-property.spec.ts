import { inspect } from "node:util";

import { expect } from "chai";

import { argumentKey, encodeArguments } from "../../src/key/arguments.js";
import { cachingId } from "../../src/key/identity.js";
import { nudged, rewritten } from "../support/argument-changes.js";
import { randomList, seeded } from "../support/argument-lists.js";

const PAIRS = 100_000;

/** Whether two argument lists are the same call, by the rules and not by any text. */
function equalArguments(one: readonly unknown[], other: readonly unknown[]): boolean {
  return equalItems(trimmed(one), trimmed(other));
}

function trimmed(list: readonly unknown[]): readonly unknown[] {
  return list.slice(0, list.findLastIndex((value) => value !== undefined) + 1);
}

function equal(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) {
    return false;
  }
  return kindOf(one) === kindOf(other) && equalObjects(one, other);
}

/** The class that decides how an object is compared. */
function kindOf(value: object): unknown {
  if (value instanceof Uint8Array) return Uint8Array;
  const prototype = Object.getPrototypeOf(value) as { constructor: unknown } | null;
  return prototype === null ? Object : prototype.constructor;
}

function equalObjects(one: object, other: object): boolean {
  if (cachingId in one || cachingId in other) return equalIds(one, other);
  if (Array.isArray(one)) return equalItems(one, other as unknown[]);
  if (one instanceof Map) return equalMembers([...one], [...(other as Map<unknown, unknown>)]);
  if (one instanceof Set) return equalMembers([...one], [...(other as Set<unknown>)]);
  if (one instanceof Date) return Object.is(one.getTime(), (other as Date).getTime());
  if (one instanceof RegExp) return `${one}` === `${other as RegExp}`;
  if (one instanceof URL) return one.href === (other as URL).href;
  if (ArrayBuffer.isView(one)) return equalBytes(one, other as ArrayBufferView);
  if (one instanceof ArrayBuffer)
    return equalBytes(new DataView(one), new DataView(other as never));
  return kindOf(one) === Object && equalProperties(one, other);
}

function equalIds(one: object, other: object): boolean {
  if (!(cachingId in one && cachingId in other)) return false;
  return Object.is(idOf(one), idOf(other));
}

function idOf(value: object): unknown {
  return (value as Record<typeof cachingId, () => unknown>)[cachingId]();
}

function equalItems(one: readonly unknown[], other: readonly unknown[]): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index += 1) {
    if (!equal(one[index], other[index])) return false;
  }
  return true;
}

/** Whether each member has a partner of its own, wherever it stands. */
function equalMembers(one: readonly unknown[], other: readonly unknown[]): boolean {
  const left = [...other];
  for (const member of one) {
    const partner = left.findIndex((candidate) => equal(member, candidate));
    if (partner === -1) return false;
    left.splice(partner, 1);
  }
  return left.length === 0;
}

function equalBytes(one: ArrayBufferView, other: ArrayBufferView): boolean {
  return bytesOf(one).join() === bytesOf(other).join();
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function equalProperties(one: object, other: object): boolean {
  const [mine, theirs] = [presentIn(one), presentIn(other)];
  const names = [...mine.keys()];
  return (
    mine.size === theirs.size &&
    names.every((name) => theirs.has(name) && equal(mine.get(name), theirs.get(name)))
  );
}

function presentIn(value: object): Map<string, unknown> {
  return new Map(Object.entries(value).filter(([, item]) => item !== undefined));
}

describe("the text of arguments, for random lists", () => {
  it("is equal exactly when the arguments are", function () {
    const random = seeded(20_260_901);
    const counts = { equal: 0, different: 0 };
    for (let pair = 0; pair < PAIRS; pair += 1) {
      const list = randomList(random);
      const again = pair % 2 === 0 ? rewritten(list, random) : list;
      const other = pair % 4 === 0 ? again : nudged(again, random);
      const expected = equalArguments(list, other);
      if (equalTexts(list, other) !== expected) {
        expect.fail(`pair ${pair}: ${show(list)} and ${show(other)} are equal: ${expected}`);
      }
      counts[expected ? "equal" : "different"] += 1;
    }
    expect(counts.equal).to.be.above(PAIRS / 5);
    expect(counts.different).to.be.above(PAIRS / 5);
  });

  it("belongs to one list alone among all", () => {
    const random = seeded(7);
    const lists = new Map<string, unknown[]>();
    let met = 0;
    for (let count = 0; count < PAIRS / 2; count += 1) {
      const list = randomList(random);
      const text = encodeArguments(list);
      const other = lists.get(text);
      if (other !== undefined) met += 1;
      if (other !== undefined && !equalArguments(list, other)) {
        expect.fail(`${show(list)} and ${show(other)} share ${text}`);
      }
      lists.set(text, list);
    }
    expect(met).to.be.above(1000);
  });

  it("gives no two calls one key, whatever the name", () => {
    const random = seeded(11);
    const names = ["f", "f(1", "f(1)", "g", "", '"f"', "f(#", "f<"];
    const calls = new Map<string, string>();
    for (let count = 0; count < PAIRS / 5; count += 1) {
      const name = names[random(names.length)] as string;
      const list = randomList(random);
      const { key } = argumentKey(name, list);
      const call = JSON.stringify([name, encodeArguments(list)]);
      expect(calls.get(key) ?? call).to.equal(call);
      calls.set(key, call);
    }
  });

  it("says that a list is equal to itself said in another way", () => {
    const random = seeded(13);
    for (let count = 0; count < PAIRS / 10; count += 1) {
      const list = randomList(random);
      expect(equalArguments(list, rewritten(list, random)), show(list)).to.equal(true);
    }
  });
});

function equalTexts(one: readonly unknown[], other: readonly unknown[]): boolean {
  return encodeArguments(one) === encodeArguments(other);
}

function show(value: unknown): string {
  return inspect(value, { depth: 9 });
}
