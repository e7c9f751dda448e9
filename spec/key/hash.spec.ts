import { expect } from "chai";

import {
  digest,
  escapeSegment,
  nameText,
  primitiveText,
  quote,
  randomMark,
} from "../../src/key/hash.js";

const TEXTS = [
  "",
  "~",
  "~7e",
  "a",
  "A",
  "a b",
  "a:b",
  "a_b",
  "~u20ac",
  "€",
  "\u00ac",
  "20ac",
  "\ud800",
  "\udc00",
  "\ufffd",
  "😀",
  "\ud83d",
  "\ude00",
  "\ude00\ud83d",
  "*?[]%_\\",
  "\n",
  "\0",
  "\u007f",
  "\\u007f",
  '"',
  '\\"',
  "~uD800",
  "~ud800",
];

function different(texts: readonly string[]): void {
  expect(new Set(texts).size).to.equal(texts.length);
}

describe("digest", () => {
  it("is a SHA-256 in base64url", () => {
    expect(digest("hello")).to.equal("LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ");
    expect(digest("€")).to.match(/^[\w-]{43}$/);
  });

  it("tells texts apart that differ only in lone surrogates", () => {
    different(TEXTS.map(digest));
    expect(digest("a\ud800")).not.to.equal(digest("a\ud801"));
    expect(digest("a\ud800")).not.to.equal(digest("a\ufffd"));
  });

  it("tells an ill-formed text from the text that its UTF-16 bytes are in UTF-8", () => {
    const broken = "\ud841\u0080";
    const twin = "A\u0600\0";
    expect(Buffer.from(broken, "utf16le").equals(Buffer.from(twin))).to.equal(true);
    expect(digest(broken)).not.to.equal(digest(twin));
  });
});

describe("randomMark", () => {
  it("is 96 random bits that need no escaping", () => {
    const marks = Array.from({ length: 1000 }, randomMark);
    different(marks);
    for (const mark of marks) expect(mark).to.match(/^[\w-]{16}$/);
  });
});

describe("escapeSegment", () => {
  it("leaves letters, digits, dots and hyphens alone", () => {
    expect(escapeSegment("Koa-caching.v2")).to.equal("Koa-caching.v2");
  });

  it("escapes everything else with a tilde", () => {
    expect(escapeSegment("a_b: 1%~")).to.equal("a~5fb~3a~201~25~7e");
    expect(escapeSegment("€\n")).to.equal("~u20ac~0a");
    expect(escapeSegment("😀")).to.equal("~ud83d~ude00");
  });

  it("is never empty", () => {
    expect(escapeSegment("")).to.equal("~");
  });

  it("gives no separator, space, control character or wildcard", () => {
    const all = String.fromCharCode(...Array.from({ length: 0x3000 }, (_, code) => code));
    expect(escapeSegment(all)).to.match(/^[A-Za-z0-9.~-]+$/);
  });

  it("gives different segments for different texts", () => {
    different(TEXTS.map(escapeSegment));
    different(
      Array.from({ length: 0x10000 }, (_, code) => escapeSegment(String.fromCharCode(code))),
    );
  });

  it("can be read back, so that no two texts share a segment", () => {
    for (const text of [...TEXTS, TEXTS.join("")])
      expect(unescaped(escapeSegment(text))).to.equal(text);
  });
});

describe("quote", () => {
  it("quotes ordinary text as it is", () => {
    expect(quote("user 7")).to.equal('"user 7"');
    expect(quote("größe 😀")).to.equal('"größe 😀"');
  });

  it("escapes quotes, backslashes, control characters and lone surrogates", () => {
    expect(quote('a"b\\c\n\ud800')).to.equal(String.raw`"a\"b\\c\n\ud800"`);
  });

  it("escapes control characters that JSON does not", () => {
    expect(quote("\u007f\u0085")).to.equal(String.raw`"\u007f\u0085"`);
  });

  it("can be read back, short and long", () => {
    const padding = "x".repeat(200);
    for (const text of TEXTS) expect(JSON.parse(quote(text))).to.equal(text);
    different(TEXTS.flatMap((text) => [quote(text), quote(padding + text)]));
  });

  it("is well-formed even for long text with a lone surrogate", () => {
    expect(quote(`${"x".repeat(300)}\ud800`)).not.to.match(/\p{Surrogate}/u);
  });
});

describe("nameText", () => {
  it("quotes a name only for unusual characters", () => {
    expect(nameText("Adder.#add")).to.equal("Adder.#add");
    expect(nameText("f(1")).to.equal('"f(1"');
    expect(nameText("")).to.equal('""');
  });
});

describe("primitiveText", () => {
  it("writes primitives as JavaScript does", () => {
    const values = [
      1,
      -0,
      0,
      Number.NaN,
      -Infinity,
      1e21,
      "1",
      1n,
      -1n,
      true,
      false,
      null,
      undefined,
    ];
    expect(values.map(primitiveText).join(" ")).to.equal(
      '1 -0 0 NaN -Infinity 1e+21 "1" 1n -1n true false null undefined',
    );
  });

  it("writes a bigint beyond 64 bits in hexadecimal, in little time", () => {
    expect(primitiveText(2n ** 63n - 1n)).to.equal("9223372036854775807n");
    expect(primitiveText(2n ** 63n)).to.equal("0x8000000000000000n");
    expect(primitiveText(-(2n ** 64n))).to.equal("-0x10000000000000000n");
    const start = performance.now();
    primitiveText(2n ** 10_000_000n);
    expect(performance.now() - start).to.be.below(1000);
  });

  it("gives nothing for objects, functions and symbols", () => {
    expect([{}, [], () => 1, Symbol("a")].map(primitiveText)).to.deep.equal(
      Array.from({ length: 4 }, () => undefined),
    );
  });
});

function unescaped(segment: string): string {
  if (segment === "~") return "";
  return segment.replaceAll(
    /~(?:u([\da-f]{4})|([\da-f]{2}))/g,
    (_, long?: string, short?: string) =>
      String.fromCharCode(Number.parseInt((long ?? short) as string, 16)),
  );
}
