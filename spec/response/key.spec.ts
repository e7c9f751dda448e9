import { expect } from "chai";
import * as fc from "fast-check";
import Koa from "koa";
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import {
  addressOf,
  isBounded,
  pageKey,
  pathTag,
  queryText,
  type Address,
} from "../../src/response/key.js";

function contextFor(url: string, headers: Record<string, string>, proxy = false): Koa.Context {
  const request = new IncomingMessage(new Socket());
  Object.assign(request, { url, method: "GET" });
  Object.assign(request.headers, headers);
  return new Koa({ proxy }).createContext(request, new ServerResponse(request));
}

function address(sent: string, routed: string = sent): Address {
  return { origin: "http://a.test", sent, routed };
}

const key = (sent: string, routed?: string) =>
  pageKey({ name: "page", values: "" }, address(sent, routed), true);

const onOrigin = (origin: string): string =>
  pageKey({ name: "page", values: "" }, { ...address("/x"), origin }, true);

describe("the key of a page", () => {
  it("has the host and the scheme in it", () => {
    const origins = [
      "http://a.test",
      "https://a.test",
      "http://b.test",
      "http://a.test:81",
      "http://",
    ];
    expect(new Set(origins.map(onOrigin)).size).to.equal(origins.length);
  });

  it("believes X-Forwarded-* only where the application trusts its proxy", () => {
    const headers = {
      host: "a.test",
      "x-forwarded-host": "evil.test",
      "x-forwarded-proto": "https",
    };
    expect(addressOf(contextFor("/x", headers)).origin).to.equal("http://a.test");
    expect(addressOf(contextFor("/x", headers, true)).origin).to.equal("https://evil.test");
  });

  it("is of the URL as sent and as routed, so that mounts and rewrites do not meet", () => {
    const ctx = contextFor("/api/x?a=1", { host: "a.test" });
    ctx.url = "/x?a=1";
    expect(addressOf(ctx)).to.deep.include({ sent: "/api/x?a=1", routed: "/x?a=1" });
    const keys = [key("/a/x", "/x"), key("/b/x", "/x"), key("/x", "/a/x"), key("/x")];
    expect(new Set(keys).size).to.equal(keys.length);
  });

  it("has its name in it", () => {
    expect(pageKey({ name: "one", values: "" }, address("/x"), true)).not.to.equal(
      pageKey({ name: "two", values: "" }, address("/x"), true),
    );
  });

  it("never takes one path for another", () => {
    const paths = [
      "/a",
      "/a/",
      "/A",
      "//a",
      "/a%2Fb",
      "/a/b",
      "/a%2fb",
      "/%61",
      "/a.css",
      "/a;b",
      "/a?",
    ];
    paths.push("/./a", "/a/../a", "/a%00", "/a#b", "/a%3Fb", "http://a.test/a");
    expect(new Set(paths.map((path) => key(path))).size).to.equal(paths.length);
  });

  it("is told by any difference in name, origin, path or routed URL", () => {
    const text = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.constantFrom("/", '"', ",", "]", "?", "&"),
    );
    const parts = fc.tuple(text, text, text, text);
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const [a, b] = [one, other].map(([name, origin, sent, routed]) =>
          pageKey({ name: name, values: "" }, { origin, sent, routed }, true),
        );
        const sameQuery = (at: 2 | 3) =>
          JSON.stringify(split(one[at])) === JSON.stringify(split(other[at]));
        const same = one[0] === other[0] && one[1] === other[1] && sameQuery(2) && sameQuery(3);
        return (a === b) === same;
      }),
    );
  });

  it("is bounded", () => {
    expect(isBounded(address("/x"))).to.equal(true);
    expect(isBounded(address(`/${"x".repeat(8192)}`))).to.equal(false);
    expect(isBounded(address("/x", `/${"x".repeat(8192)}`))).to.equal(false);
    expect(isBounded({ ...address("/x"), origin: "x".repeat(2000) })).to.equal(false);
  });
});

function split(url: string): readonly unknown[] {
  const mark = url.indexOf("?");
  return mark === -1 ? [url] : [url.slice(0, mark), queryText(url.slice(mark + 1), true)];
}

describe("the query of a key", () => {
  const same: readonly (readonly [string, string])[] = [
    ["a=1&b=2", "b=2&a=1"],
    ["b=1&a=1&a=2", "a=1&b=1&a=2"],
  ];
  for (const [one, other] of same) {
    it(`${one} is ${other}`, () => {
      expect(queryText(one, true)).to.equal(queryText(other, true));
    });
  }

  const different: readonly (readonly [string, string])[] = [
    ["a=1&a=2", "a=2&a=1"],
    ["a", "a="],
    ["a=1;b=2", "a=1&b=2"],
    ["a=1;b=2", "b=2;a=1"],
    ["a=1&%61=2", "%61=2&a=1"],
    ["a[]=1&a[]=2", "a[]=2&a[]=1"],
    ["a=1&a[]=2", "a[]=2&a=1"],
    ["a[0]=1&a.b=2", "a.b=2&a[0]=1"],
    ["a=1", "A=1"],
    ["a=%41", "a=A"],
    ["a=+", "a=%20"],
    ["a=1", "a=1&a=1"],
    ["%FF=1&%FE=2", "%FE=2&%FF=1"],
    ["", "a"],
  ];
  for (const [one, other] of different) {
    it(`${one || "nothing"} is not ${other}`, () => {
      expect(queryText(one, true)).not.to.equal(queryText(other, true));
    });
  }

  it("is left out by false", () => {
    expect(pageKey({ name: "page", values: "" }, address("/x?a=1"), false)).to.equal(
      pageKey({ name: "page", values: "" }, address("/x"), false),
    );
  });

  it("is limited to the parameters named", () => {
    const names = ["page", "ids"];
    expect(queryText("utm=1&page=2", names)).to.equal(queryText("page=2&utm=3", names));
    expect(queryText("page=2", names)).not.to.equal(queryText("page=3", names));
    expect(queryText("%70age=2", names)).to.equal("%70age=2");
    expect(queryText("ids[]=2&ids[]=1&x", names)).to.equal("ids[]=2&ids[]=1");
    expect(queryText("utm=1", names)).to.equal(null);
  });

  it("keeps every parameter that a handler sees", () => {
    const query = fc.array(fc.tuple(fc.string({ maxLength: 3 }), fc.string({ maxLength: 3 })));
    fc.assert(
      fc.property(query, (pairs) => {
        const text = new URLSearchParams(pairs).toString();
        const kept = new URLSearchParams(queryText(text, true)!);
        const seen = new URLSearchParams(text);
        return [...seen.keys()].every(
          (name) => JSON.stringify(kept.getAll(name)) === JSON.stringify(seen.getAll(name)),
        );
      }),
    );
  });
});

const tag = (url: string, origin = "http://a.test") => pathTag(origin, url);

describe("the tag of a path", () => {
  it("is one for every query of it", () => {
    expect(tag("/x?a=1")).to.equal(tag("/x"));
    expect(tag("/x#b")).to.equal(tag("/x"));
  });

  it("is one for what means the same path", () => {
    expect(tag("/caf%c3%a9")).to.equal(tag("/caf%C3%A9"));
    expect(tag("/x", "http://A.test")).to.equal(tag("/x"));
    expect(tag("http://a.test/x")).to.equal(tag("/x"));
  });

  it("is another for another path, host or scheme", () => {
    const tags = [tag("/x"), tag("/y"), tag("/x", "http://b.test"), tag("/x", "https://a.test")];
    tags.push(tag("//x"), tag("/x/y"));
    expect(new Set(tags).size).to.equal(tags.length);
  });

  it("exists for whatever a client sends", () => {
    expect(tag("*")).to.be.a("string");
    expect(tag("/%ff%")).to.be.a("string");
    expect(tag("/x", "http://")).to.be.a("string");
  });
});
