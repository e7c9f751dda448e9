import { runInNewContext } from "node:vm";

import { expect } from "chai";

import { argumentKey, KEY_FORMAT } from "../../src/key/arguments.js";
import { cachingId, identify } from "../../src/key/identity.js";
import { apart, encode, same } from "../support/argument-texts.js";

class User {
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }

  [cachingId](): number {
    return this.id;
  }
}

class Session {
  readonly open = true;
}

const SPECIAL = [
  "a",
  'a"',
  'a\\"',
  "a\\",
  "a,b",
  "\n",
  "\\n",
  "\0",
  "\ud800",
  "\udc00",
  "\ufffd",
  "\\ud800",
];

function thrower(): never {
  throw new Error("must not run");
}

describe("encodeArguments: the text format", () => {
  it("is format 1; another format must have another number", () => {
    expect(KEY_FORMAT).to.equal(1);
    const map = new Map<unknown, unknown>([
      ["b", 1],
      ["a", { z: 1, "y z": undefined, "x!": 2 }],
    ]);
    const text = encode(
      1,
      -0,
      1n,
      "a\n",
      true,
      null,
      undefined,
      [1, [], undefined],
      map,
      new Set([2, 10]),
      new Date(0),
      new Date(Number.NaN),
      /a"/gi,
      new URL("http://a"),
      Buffer.from("hi"),
      new Uint16Array([1]),
      new ArrayBuffer(1),
      new DataView(new ArrayBuffer(2), 1),
      new User(7),
      {},
      undefined,
    );
    expect(text).to.equal(
      String.raw`1,-0,1n,"a\n",true,null,undefined,[1,[],undefined],` +
        `Map{"a"=>{"x!":2,z:1},"b"=>1},Set{10,2},Date(0),Date(NaN),RegExp("a\\"","gi"),` +
        `URL("http://a/"),Uint8Array(aGk),Uint16Array(AQA),ArrayBuffer(AA),DataView(AA),<User 7>,{}`,
    );
  });
});

describe("encodeArguments: primitives", () => {
  it("keeps values of different types apart", () => {
    apart(1, "1", 1n, true, "true", null, "null", "undefined", Number.NaN, "NaN", [1], ["1"], "");
  });

  it("keeps -0, 0, NaN and the infinities apart", () => {
    apart(0, -0, Number.NaN, Infinity, -Infinity, 5e-324, Number.MAX_VALUE, Number.EPSILON);
  });

  it("keeps undefined from null, and counts it where an argument follows", () => {
    expect(encode(undefined, 1)).not.to.equal(encode(null, 1));
    expect(encode(undefined, 1)).not.to.equal(encode(1));
  });

  it("takes trailing undefined arguments as absent", () => {
    same([], [undefined], [undefined, undefined]);
    same([1], [1, undefined]);
    same([{}], [{}, undefined]);
  });

  it("takes only arguments as absent, not the undefined in a list", () => {
    apart([], [undefined], [undefined, undefined], [1], [1, undefined]);
  });

  it("keeps text apart whatever it contains", () => {
    const long = "x".repeat(500);
    apart(...SPECIAL, ...SPECIAL.map((text) => long + text));
    expect(encode("a", "b")).not.to.equal(encode('a","b'));
  });

  it("takes text of any length", () => {
    const text = "x".repeat(2 ** 24);
    expect(encode(text)).to.equal(`"${text}"`);
  });
});

describe("encodeArguments: plain objects and lists", () => {
  it("ignores the order of properties, at every depth", () => {
    same([{ a: 1, b: { c: 2, d: 3 } }], [{ b: { d: 3, c: 2 }, a: 1 }]);
  });

  it("takes undefined properties as absent", () => {
    same([{ a: 1 }], [{ a: 1, b: undefined }]);
    same([{}], [{ b: undefined }]);
    apart({ a: null }, {});
  });

  it("takes objects without a prototype as plain", () => {
    same([{ a: 1 }], [Object.assign(Object.create(null), { a: 1 })]);
  });

  it("takes objects and lists of another realm as plain", () => {
    same([{ a: [1, { b: 2 }] }], [runInNewContext("({ a: [1, { b: 2 }] })")]);
  });

  it("keeps lists by content and order", () => {
    same([[1, ["a"]]], [[1, ["a"]]]);
    apart([1, 2], [2, 1], [[1, 2]], [[1], 2], [1, [2]], { 0: 1, 1: 2 }, { 0: 1, 1: 2, length: 2 });
  });

  it("takes the holes of a list as undefined", () => {
    // oxlint-disable-next-line no-sparse-arrays
    same([[1, , 2]], [[1, undefined, 2]]);
    same([Array.from({ length: 2 })], [Object.assign([], { length: 2 })]);
  });

  it("takes names of Object.prototype as ordinary", () => {
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "length"];
    apart({}, ...names.map((name) => JSON.parse(`{"${name}":1}`) as unknown));
    apart({ a: 1 }, JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"constructor":{"a":1}}'));
  });

  it("keeps names apart whatever they contain", () => {
    apart({ a: 1, b: 2 }, { "a:1,b": 2 }, { '"a"': 1 }, { a: "1,b:2" }, { "a ": 1 }, { "": 1 });
    apart({ 1: 1 }, { "01": 1 }, { "\ud800": 1 }, { "\ufffd": 1 }, { "\\ud800": 1 });
  });

  it("never calls toJSON, and refuses it as a function of a plain object", () => {
    expect(() => encode({ toJSON: thrower })).to.throw(/^argument 1, at \.toJSON, is a function/);
    const date = new Date(0);
    expect(encode(Object.assign(Object.create({ toJSON: thrower }) as object, { a: 1 }))).to.match(
      /^<~/,
    );
    expect(encode(date)).to.equal("Date(0)");
  });
});

describe("encodeArguments: objects with a class", () => {
  it("goes by class name and [cachingId]()", () => {
    same([new User(1)], [new User(1)]);
    apart(new User(1), new User(2), 1, { id: 1 }, "<User 1>");
    same([{ [cachingId]: () => 1, a: 1 }], [{ [cachingId]: () => 1, a: 2 }]);
  });

  it("goes by identity else, an Error included", () => {
    const session = new Session();
    same([session], [session]);
    same([[session]], [[session]]);
    apart(session, new Session(), new Session(), { open: true }, new Error("a"), new Error("a"));
    expect(encode(session)).to.equal(identify(session));
  });

  it("lets [cachingId] stand for what could not be an argument", () => {
    const promise = Object.assign(Promise.resolve(1), { [cachingId]: () => "p" });
    expect(encode(promise)).to.equal('<Promise "p">');
  });

  it("names the argument whose [cachingId] is wrong", () => {
    expect(() => encode(1, { user: new User(Number.NaN) })).to.throw(
      /^\[cachingId\]\(\) of argument 2, at \.user, must return text, a finite number or a bigint; got NaN/,
    );
  });

  it("passes on what [cachingId] throws", () => {
    const failing = {
      [cachingId]: () => {
        throw new RangeError("no id yet");
      },
    };
    expect(() => encode(failing)).to.throw(RangeError, "no id yet");
  });
});

describe("argumentKey", () => {
  it("is name and arguments", () => {
    expect(argumentKey("add", [1, "2"])).to.deep.equal({ key: 'add(1,"2")', check: undefined });
    expect(argumentKey("add", []).key).to.equal("add()");
  });

  it("stands the receiver before the arguments", () => {
    const user = identify(new User(7));
    expect(argumentKey("User.add", [1], user).key).to.equal("User.add<User 7>(1)");
  });

  it("is plain text up to 200 characters, and a digest beyond", () => {
    const plain = argumentKey("f", ["x".repeat(195)]);
    expect(plain.key).to.have.length(200);
    expect(plain.check).to.equal(undefined);
    const hashed = argumentKey("f", ["x".repeat(196)]);
    expect(hashed.key).to.match(/^f\(#[\w-]{43}\)$/);
    expect(hashed.check).to.equal(`f("${"x".repeat(196)}")`);
  });

  it("hashes what differs only in lone surrogates or at the end into different keys", () => {
    const long = "x".repeat(300);
    const texts = ["a", "b", "\ud800", "\ud801", "\ufffd"].map((end) => long + end);
    expect(new Set(texts.map((text) => argumentKey("f", [text]).key)).size).to.equal(5);
  });

  it("never has more than 200 characters, whatever the name", () => {
    for (const length of [100, 150, 155, 200, 5000]) {
      const { key, check } = argumentKey("n".repeat(length), ["x".repeat(200)]);
      expect(key.length).to.be.at.most(200);
      expect(check).to.equal(`${"n".repeat(length)}("${"x".repeat(200)}")`);
    }
  });

  it("keeps names, receivers and arguments apart whatever they contain", () => {
    const parts = [
      "f",
      "f(1",
      "f(1)",
      "f<1>",
      "",
      '"f"',
      '"',
      "(",
      ")",
      "#",
      "f(#a)",
      "<f",
      "\ud800",
      "\ufffd",
      "x".repeat(250),
    ];
    const receivers = [undefined, "<f>", "<f(", "<f>(", '"', "", "(1)", "<"];
    const lists = [[], [1], ["1"], [1, 1], ["#a"], ["\ud800"], ["x".repeat(250)]];
    const keys = parts.flatMap((name) =>
      receivers.flatMap((receiver) => lists.map((list) => argumentKey(name, list, receiver).key)),
    );
    expect(new Set(keys).size).to.equal(parts.length * receivers.length * lists.length);
  });

  it("has no control character and no lone surrogate", () => {
    const { key } = argumentKey("a\0\ud800", ["\n\udc00", { "\u007f": 1 }]);
    expect(key).not.to.match(/\p{Cc}|\p{Surrogate}/u);
  });
});
