import { expect } from "chai";
import type { Fields } from "../../src/response/fields.js";
import { invalidatedUrls, isSuccess, isUnsafe } from "../../src/response/invalidation.js";

function urls(fields: Fields, status = 200, url = "http://a.test/posts?page=2"): string[] {
  return invalidatedUrls(url, status, fields).map(String);
}

describe("invalidation by unsafe methods (RFC 9111, section 4.4)", () => {
  it("is by every method that is not known to be safe", () => {
    const unsafe = ["POST", "PUT", "PATCH", "DELETE", "PURGE", "get", "MKCOL"];
    expect(unsafe.filter((method) => !isUnsafe(method))).to.deep.equal([]);
    expect(["GET", "HEAD", "OPTIONS", "TRACE"].filter(isUnsafe)).to.deep.equal([]);
  });

  it("is by those that succeed", () => {
    expect([200, 201, 204, 303, 399].every(isSuccess)).to.equal(true);
    expect([100, 400, 404, 500].some(isSuccess)).to.equal(false);
    expect(urls({ location: "/posts/1" }, 400)).to.deep.equal([]);
    expect(urls({}, 500)).to.deep.equal([]);
  });

  it("reaches the URL itself", () => {
    expect(urls({})).to.deep.equal(["http://a.test/posts?page=2"]);
  });

  it("reaches Location and Content-Location, relative ones too", () => {
    expect(urls({ location: "/posts/1", "content-location": "2" }, 201)).to.deep.equal([
      "http://a.test/posts?page=2",
      "http://a.test/posts/1",
      "http://a.test/2",
    ]);
    expect(urls({ location: "http://A.test:80/x" })).to.have.members([
      "http://a.test/posts?page=2",
      "http://a.test/x",
    ]);
  });

  it("does not reach other origins", () => {
    for (const location of [
      "http://b.test/x",
      "https://a.test/x",
      "http://a.test:81/x",
      "//b.test/x",
    ]) {
      expect(urls({ location }), location).to.have.length(1);
    }
  });

  it("passes over what is no URL", () => {
    expect(urls({ location: "http://[" })).to.have.length(1);
    expect(urls({ location: "data:text/plain,x" })).to.have.length(1);
    expect(urls({}, 200, "no url")).to.deep.equal([]);
  });
});
