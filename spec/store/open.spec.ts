import { expect } from "chai";
import { Keyv } from "keyv";
import { Keyv as Keyv6 } from "keyv6";
import { OptionError } from "../../src/errors.js";
import { checkStore, openStore } from "../../src/store/open.js";
import { openingOptions } from "../support/opening.js";
import { PlainAdapter } from "../support/plain-adapter.js";

function tierOf(store: unknown): string {
  return openStore(openingOptions({ store })).tier;
}

/** The message of the error with which both refuse a store. */
function refusal(store: unknown): string {
  const messages = [() => openStore(openingOptions({ store })), () => checkStore(store)].map(
    (open) => {
      try {
        open();
      } catch (error) {
        expect(error).to.be.instanceOf(OptionError);
        return (error as Error).message;
      }
      throw new Error("It was not refused.");
    },
  );
  expect(messages[0]).to.equal(messages[1]);
  return messages[0]!;
}

describe("a store is opened", () => {
  it("by the scheme of a URL, without waiting for a server", () => {
    const schemes = {
      "memory:": "memory",
      "null:": "null",
      "redis://nowhere.invalid": "redis",
      "rediss://user:secret@nowhere.invalid:1/2": "redis",
      "valkey://nowhere.invalid": "redis",
      "valkeys://nowhere.invalid": "redis",
      "memcache://one.invalid:11211,two.invalid": "memcache",
      "memcached://one.invalid": "memcache",
      "postgresql://nowhere.invalid/db": "postgres",
      "postgres://nowhere.invalid/db": "postgres",
      "mysql://nowhere.invalid/db": "mysql",
      "mariadb://nowhere.invalid/db": "mysql",
      "REDIS://nowhere.invalid": "redis",
    };
    for (const [url, tier] of Object.entries(schemes)) {
      expect(tierOf(url), url).to.equal(tier);
      checkStore(url);
    }
  });

  it("over a Keyv of either version, a storage adapter or a Map", () => {
    expect(tierOf(new Keyv())).to.equal("keyv");
    expect(tierOf(new Keyv6())).to.equal("keyv");
    expect(tierOf(new PlainAdapter())).to.equal("keyv");
    expect(tierOf(new Map())).to.equal("map");
    const sqlite = { opts: { dialect: "sqlite" } };
    expect(tierOf(new Keyv(Object.assign(new PlainAdapter(), sqlite) as object))).to.equal(
      "sqlite",
    );
    expect(tierOf(new Keyv6(Object.assign(new PlainAdapter(), sqlite)))).to.equal("sqlite");
    expect(tierOf(Object.assign(new PlainAdapter(), sqlite))).to.equal("sqlite");
  });

  it("without a word in the namespace of the application's adapter", () => {
    const adapter = Object.assign(new PlainAdapter(), { namespace: "theirs" });
    openStore(openingOptions({ store: adapter }));
    expect(adapter.namespace).to.equal("theirs");
    const bare = new PlainAdapter() as PlainAdapter & { namespace?: string };
    openStore(openingOptions({ store: bare }));
    expect(bare.namespace).to.equal(undefined);
  });
});

describe("a store is refused", () => {
  it("for an unknown scheme, with the nearest one and all others", () => {
    const message = refusal("reddis://user:secret@host");
    expect(message).to.contain('"reddis:"').and.to.contain('Did you mean "redis:"?');
    expect(message).to.contain("memcached:").and.not.to.contain("secret");
    expect(refusal("ftp://host")).to.not.contain("Did you mean");
  });

  it("for a text without a scheme, which is not shown", () => {
    expect(refusal("secret")).to.contain("memory:").and.not.to.contain("secret");
  });

  it("for a URL that cannot be read", () => {
    const message = refusal("redis://user:secret@host:port");
    expect(message).to.contain("redis://host:port").and.not.to.contain("secret");
  });

  it("for a package that is not installed, with the command that installs it", () => {
    expect(refusal("sqlite://file.sqlite")).to.contain("npm install @keyv/sqlite");
  });

  it("for anything else, with what is accepted", () => {
    const things = [7, null, true, {}, [], () => undefined, { get: () => 1, set: () => 1 }];
    for (const thing of things) {
      expect(refusal(thing)).to.contain("a Keyv storage adapter or a Map; got ");
    }
  });
});
