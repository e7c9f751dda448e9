// Fragments on the engine: whatever the store does, the page renders, and each block runs once.
import { expect } from "chai";
import { stopClock } from "../support/clock.js";
import { FailingKeyv, type Mode } from "../support/failing-keyv.js";
import { fragmentSite, type FragmentSite } from "../support/fragment-site.js";
import { OwnServer } from "../support/own-server.js";
import { describeWith, hasProgram } from "../support/servers.js";

const PAGE =
  '{{#cache 60 "a" tags="x"}}[{{run "a"}}{{#each xs}}{{#cache 60 "b" this}}{{run this}}{{/cache}}{{/each}}]{{/cache}}' +
  '{{#cache 60 "c"}}{{run "c"}}{{/cache}}';
const DATA = { xs: ["p", "q"] };

describe("fragments on a store that fails", () => {
  const clock = stopClock();
  let keyv: FailingKeyv;
  let site: FragmentSite;
  const open = (): void => {
    keyv = new FailingKeyv();
    site = fragmentSite({ store: keyv });
  };
  beforeEach(open);

  /** Renders while the time goes on. */
  async function rendered(): Promise<string> {
    const page = site.hbs(PAGE, DATA);
    await clock.pass(10);
    return page;
  }

  for (const mode of ["throws", "swallows", "hangs"] satisfies Mode[]) {
    it(`renders, each block once, where it ${mode} from the beginning`, async () => {
      keyv.mode = mode;
      expect(await rendered()).to.equal("[a1p1q1]c1");
      expect(site.runs).to.eql(["a", "c", "p", "q"]);
      expect(site.errors.length).to.be.above(0);
      expect(await rendered()).to.equal("[a2p2q2]c2");
    });

    it(`renders, each block once, where it ${mode} when the page was stored`, async () => {
      await rendered();
      keyv.mode = mode;
      expect(await rendered()).to.match(/^\[a\dp\dq\d\]c\d$/);
      expect(site.runs.length).to.be.oneOf([4, 8]);
      keyv.mode = "works";
    });
  }

  it("renders where it hangs after the read, and does not wait for the write", async () => {
    await rendered();
    await site.cache.clear();
    await clock.pass(10);
    const page = site.hbs(PAGE, DATA);
    await clock.pass(0);
    keyv.mode = "hangs";
    await clock.pass(2.5);
    expect(await page).to.equal("[a2p2q2]c2");
    keyv.mode = "works";
  });

  it("renders over garbage, and replaces it", async () => {
    await rendered();
    await site.cache.idle();
    for (const garbage of ["", "{", "null", 42, "\u0000", '{"a":1}']) {
      for (const key of keyv.values.keys()) {
        if (key.includes("fragment")) keyv.values.set(key, garbage);
      }
      const before = site.runs.length;
      // oxlint-disable-next-line no-await-in-loop
      expect(await rendered(), String(garbage)).to.match(/^\[a\dp\dq\d\]c\d$/);
      expect(site.runs.length - before, String(garbage)).to.equal(4);
    }
    const before = site.runs.length;
    await rendered();
    expect(site.runs.length).to.equal(before);
  });

  it("takes what is no text for a miss", async () => {
    for (const value of [null, 42, { text: "x" }]) {
      // oxlint-disable-next-line no-await-in-loop
      await site.cache.set("fragment/n", value);
      // oxlint-disable-next-line no-await-in-loop
      expect(await site.cache.fragment("n", {}, () => "text")).to.equal("text");
    }
    await site.cache.set("fragment/n", "");
    expect(await site.cache.fragment("n", {}, () => "text")).to.equal("");
  });

  it("in strict mode rejects instead, on reads and on writes", async () => {
    const strict = fragmentSite({ store: keyv, strict: true });
    expect(await strict.hbs(PAGE, DATA)).to.equal("[a1p1q1]c1");
    keyv.mode = "throws";
    expect(await failure(strict.hbs(PAGE, DATA))).to.match(/the back-end is down/);
    keyv.mode = "works";
    await clock.pass(10);
    await strict.cache.clear();
    const page = strict.cache.fragment("w", {}, () => {
      keyv.mode = "throws";
      return "text";
    });
    expect(await failure(page)).to.match(/the back-end is down/);
  });

  it("in strict mode leaves nobody waiting for a page whose versions could not be made", async () => {
    const { cache } = fragmentSite({ store: keyv, strict: true });
    const { set, setMany } = keyv;
    const fails = (): Promise<unknown> => Promise.reject(new Error("read only"));
    Object.assign(keyv, { set: fails, setMany: fails });
    const text = (): Promise<string> => cache.fragment("v", { tags: "x" }, () => "text");
    expect(await failure(text())).to.match(/read only/);
    Object.assign(keyv, { set, setMany });
    await clock.pass(10);
    expect(await text()).to.equal("text");
  });

  it("in strict mode rejects a fragment that something changes", async () => {
    const strict = fragmentSite({ strict: true });
    const upper = function upper(this: unknown, options: { fn: (self: unknown) => string }) {
      return options.fn(this).toUpperCase();
    };
    const page = strict.hbs(
      '{{#upper}}{{#cache 60 "u"}}a{{/cache}}{{/upper}}',
      {},
      {
        helpers: { upper },
      },
    );
    expect(await failure(page)).to.match(/"u" stands in something that changes the text/);
  });
});

describeWith("redis-server", hasProgram("redis-server"), "fragments on a Redis that stops", () => {
  let redis: OwnServer;
  before(async () => {
    redis = await OwnServer.redis();
  });
  after(() => redis.kill());

  it("renders while it is frozen, killed, and back again", async () => {
    const store = `redis://127.0.0.1:${redis.port}`;
    const site = fragmentSite({ store, storeTimeout: 1, breaker: { failures: 5, rest: 0.2 } });
    const render = (): Promise<string> => site.hbs(PAGE, DATA);
    try {
      expect(await render()).to.equal("[a1p1q1]c1");
      await site.cache.idle();
      expect(await render()).to.equal("[a1p1q1]c1");
      redis.freeze();
      const started = performance.now();
      expect(await render()).to.equal("[a2p2q2]c2");
      expect(performance.now() - started).to.be.below(4000);
      redis.thaw();
      await redis.kill();
      expect(await render()).to.equal("[a3p3q3]c3");
      expect(site.runs).to.have.length(12);
    } finally {
      await site.cache.close();
    }
  });
});

async function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "did not fail",
    (error: Error) => error.message,
  );
}
