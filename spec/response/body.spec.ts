import { expect } from "chai";
import { EventEmitter } from "node:events";
import { PassThrough, Stream, type Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { bodyKind, bodyOf, bytesOf, isFlowing, type BodyKind } from "../../src/response/body.js";

describe("the kinds of body", () => {
  const duck = Object.assign(new EventEmitter(), {
    readable: true,
    pipe: () => undefined,
    read: () => undefined,
    destroy: () => undefined,
  });
  const table: readonly (readonly [string, unknown, BodyKind])[] = [
    ["nothing", undefined, "unset"],
    ["null", null, "null"],
    ["text", "a", "text"],
    ["empty text", "", "text"],
    ["a Buffer", Buffer.from("a"), "bytes"],
    ["an object", { a: 1 }, "json"],
    ["a list", [1], "json"],
    ["a number", 0, "json"],
    ["false", false, "json"],
    ["a typed array, as Koa sends it", new Uint8Array(1), "json"],
    ["an object with pipe alone", { pipe: () => undefined }, "json"],
    ["a stream", new PassThrough(), "stream"],
    ["an old stream", new Stream(), "stream"],
    ["what behaves like a stream", duck, "stream"],
    ["a Blob", new Blob(["a"]), "blob"],
    ["a web stream", new Blob(["a"]).stream(), "web"],
    ["a web Response", new Response("a"), "response"],
  ];
  for (const [name, body, expected] of table) {
    it(`${name}: ${expected}`, () => {
      expect(bodyKind(body)).to.equal(expected);
    });
  }

  it("flow or are there at once", () => {
    const kinds: readonly BodyKind[] = ["unset", "null", "text", "bytes", "json"];
    expect(kinds.some(isFlowing)).to.equal(false);
    expect((["stream", "blob", "web", "response"] as const).every(isFlowing)).to.equal(true);
  });
});

describe("the bytes of a body", () => {
  it("are those that Koa sends", () => {
    expect(bytesOf("text", "ä")?.toString("hex")).to.equal("c3a4");
    expect(bytesOf("json", { a: [1, "ä"] })?.toString()).to.equal('{"a":[1,"ä"]}');
    expect(bytesOf("null", null)).to.have.length(0);
    expect(bytesOf("unset", undefined)).to.have.length(0);
  });

  it("are a copy of a Buffer", () => {
    const body = Buffer.from("abc");
    const bytes = bytesOf("bytes", body);
    body.fill(0);
    expect(bytes?.toString()).to.equal("abc");
  });

  it("do not exist for what Koa cannot send", () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    for (const body of [cycle, { n: 1n }, () => undefined, Symbol("a")]) {
      expect(bytesOf("json", body)).to.equal(undefined);
    }
  });
});

describe("a body made of bytes", () => {
  const bytes = new Uint8Array(Buffer.from('{"a":"ä"}'));

  it("is of the kind that the handler gave", () => {
    const kinds: readonly BodyKind[] = [
      ...(["unset", "null", "text", "bytes", "json", "stream", "blob", "web", "response"] as const),
    ];
    expect(kinds.map((kind) => bodyKind(bodyOf(kind, bytes, "")))).to.deep.equal(kinds);
  });

  it("has the content of it", async () => {
    expect(bodyOf("text", bytes, "")).to.equal('{"a":"ä"}');
    expect(bodyOf("json", bytes, "")).to.deep.equal({ a: "ä" });
    expect(await text(bodyOf("stream", bytes, "") as Readable)).to.equal('{"a":"ä"}');
    expect(await (bodyOf("blob", bytes, "") as Blob).text()).to.equal('{"a":"ä"}');
    expect(await (bodyOf("response", bytes, "") as Response).text()).to.equal('{"a":"ä"}');
    expect(await text(bodyOf("web", bytes, "") as never)).to.equal('{"a":"ä"}');
  });

  it("keeps the type of a Blob", () => {
    expect((bodyOf("blob", bytes, "image/png") as Blob).type).to.equal("image/png");
  });

  it("is nobody else's", () => {
    const mine = bodyOf("bytes", bytes, "") as Buffer;
    mine.fill(0);
    expect(bodyOf("text", bytes, "")).to.equal('{"a":"ä"}');
  });

  it("may be empty", async () => {
    const none = new Uint8Array(0);
    expect(bodyOf("text", none, "")).to.equal("");
    expect(await text(bodyOf("stream", none, "") as Readable)).to.equal("");
  });
});
