import { inspect } from "node:util";

import { expect } from "chai";

import { ArgumentKeyError } from "../../src/errors.js";
import { cachingId, identify } from "../../src/key/identity.js";

class User {
  readonly id: unknown;

  constructor(id: unknown) {
    this.id = id;
  }

  [cachingId](): unknown {
    return this.id;
  }
}

class Session {
  readonly open = true;
}

/** An object whose class has no name: an object with the method is its prototype. */
function inheriting(): object {
  return Object.create({ [cachingId]: () => 1 }) as object;
}

function processPart(text: string): string {
  return text.slice(0, "<~".length + 16);
}

function trap(): never {
  throw new Error("must not run");
}

function anonymous(id: string): object {
  return new (class {
    [cachingId](): string {
      return id;
    }
  })();
}

describe("cachingId", () => {
  it("is one symbol for all copies of the library", () => {
    expect(cachingId).to.equal(Symbol.for("koa-caching.id"));
  });
});

describe("identify, for an object with its own id", () => {
  it("gives class name and id", () => {
    expect(identify(new User(7))).to.equal("<User 7>");
    expect(identify(new User("a>b"))).to.equal('<User "a>b">');
    expect(identify(new User(7n))).to.equal("<User 7n>");
  });

  it("tells ids apart by type", () => {
    const texts = [7, "7", 7n, 0, -0, ""].map((id) => identify(new User(id)));
    expect(new Set(texts).size).to.equal(6);
  });

  it("gives the class of the object, not the class that brought the method", () => {
    class Admin extends User {}
    expect(identify(new Admin(7))).to.equal("<Admin 7>");
    expect(identify(Object.create(new Admin(7)) as object)).to.equal("<Admin 7>");
  });

  it("quotes an unusual class name", () => {
    const Odd = { "a 7>": class extends User {} }["a 7>"];
    expect(identify(new Odd(7))).to.equal('<"a 7>" 7>');
  });

  it("takes a static name that is text, and runs no static getter", () => {
    class Renamed extends User {
      static override readonly name = "Person";
    }
    class Computed extends User {
      static override get name(): string {
        throw new Error("must not run");
      }
    }
    expect(identify(new Renamed(7))).to.equal("<Person 7>");
    expect(identify(new Computed(7))).to.match(/^<~[\w-]{16}\.\d+ 7>$/);
  });

  it("runs no trap of a class that is a Proxy", () => {
    class Watched extends User {}
    const traps = { get: trap, getOwnPropertyDescriptor: trap };
    Watched.prototype.constructor = new Proxy(Watched, traps);
    expect(identify(new Watched(7))).to.match(/^<~\S+ 7>$/);
  });

  it("never lets two anonymous classes meet, and lets objects of one", () => {
    expect(identify(anonymous("a"))).not.to.equal(identify(anonymous("a")));
    const one = anonymous("a");
    const Again = one.constructor as new () => object;
    expect(identify(new Again())).to.equal(identify(one));
  });

  it("never lets objects with prototypes of their own meet", () => {
    expect(identify(inheriting())).not.to.equal(identify(inheriting()));
  });

  it("gives an empty class name for plain objects", () => {
    expect(identify({ [cachingId]: () => 1 })).to.equal('<"" 1>');
    expect(identify(Object.assign(Object.create(null), { [cachingId]: () => 1 }))).to.equal(
      '<"" 1>',
    );
  });

  it("asks each time", () => {
    const user = { id: 1, [cachingId]: (): number => user.id };
    const before = identify(user);
    user.id = 2;
    expect(identify(user)).not.to.equal(before);
  });

  for (const id of [Number.NaN, Infinity, true, null, undefined, {}, Promise.resolve("a")]) {
    it(`refuses ${inspect(id)} as an id`, () => {
      expect(() => identify(new User(id)))
        .to.throw(ArgumentKeyError, /^\[cachingId\]\(\) of this must return text, a finite number/)
        .with.property("code", "ERR_ARGUMENT_KEY");
    });
  }

  it("refuses a [cachingId] that is no method, without running a getter", () => {
    const getter = {
      get [cachingId](): string {
        throw new Error("must not run");
      },
    };
    for (const odd of [getter, { [cachingId]: 7 }]) {
      expect(() => identify(odd)).to.throw(
        ArgumentKeyError,
        /^this has a \[cachingId\] that is not/,
      );
    }
  });

  it("passes the method's own error on", () => {
    const failing = {
      [cachingId](): string {
        throw new RangeError("no id yet");
      },
    };
    expect(() => identify(failing)).to.throw(RangeError, "no id yet");
  });
});

describe("identify, for any other object", () => {
  it("gives one object one id, and different objects different ids", () => {
    const session = new Session();
    expect(identify(session)).to.match(/^<~[\w-]{16}\.\d+>$/);
    expect(identify(session)).to.equal(identify(session));
    expect(identify(session)).not.to.equal(identify(new Session()));
  });

  it("never gives an id again", () => {
    const texts = Array.from({ length: 10_000 }, () => identify(new Session()));
    expect(new Set(texts).size).to.equal(10_000);
  });

  it("gives ids that no other process gives", async () => {
    const elsewhere = "../../src/key/identity.js?elsewhere";
    const other = (await import(elsewhere)) as { identify: typeof identify };
    expect(other.identify).not.to.equal(identify);
    expect(processPart(other.identify(new Session()))).not.to.equal(
      processPart(identify(new Session())),
    );
  });

  it("identifies functions, lists and frozen objects", () => {
    const texts = [Session, [], Object.freeze({})].map((value) => identify(value));
    expect(new Set(texts).size).to.equal(3);
  });

  it("identifies a Proxy, before or behind an object, without running its traps", () => {
    const traps = { get: trap, has: trap, getPrototypeOf: trap, getOwnPropertyDescriptor: trap };
    const proxy = new Proxy(new User(7), { ...traps, ownKeys: trap });
    expect(identify(proxy)).to.equal(identify(proxy));
    expect(identify(Object.create(proxy) as object)).to.match(/^<~/);
  });

  it("gives an own id over a Proxy as prototype the identity of that Proxy as class", () => {
    const proxy = new Proxy({}, {});
    const make = (): object => Object.create(proxy, { [cachingId]: { value: () => 1 } }) as object;
    expect(identify(make())).to.match(/^<~\S+ 1>$/);
    expect(identify(make())).to.equal(identify(make()));
  });
});
