// Traps A16 to A22 and A33 to A37: fragments of one page, of several pages, and the store.
import { expect } from "chai";
import Handlebars from "handlebars";
import { FRAGMENTS } from "../../src/fragment/fragments.js";
import { cachingId } from "../../src/key/identity.js";
import { installHandlebars } from "../../src/handlebars/index.js";
import { memoryFragments } from "../support/fragment-backend.js";
import { expectBoth, expectClean, expectSame, kitchen, plain } from "../support/handlebars.js";

type Block = { fn: (context: unknown) => string };

describe("Handlebars: the fragments of a page", () => {
  it("A16 prints the placeholder of an earlier page that a user wrote", async () => {
    const { render } = kitchen();
    let seen = "";
    const helpers = {
      spy(this: unknown, options: Block) {
        seen = options.fn(this);
        return seen;
      },
    };
    const stolen = '{{#spy}}{{#cache 9 "secret"}}SECRET{{/cache}}{{/spy}}';
    expect(await render({ template: stolen, helpers })).to.equal("SECRET");
    expect(seen).to.not.include("SECRET");
    const bio = { template: '{{{bio}}}|{{#cache 9 "x"}}x{{/cache}}', data: () => ({ bio: seen }) };
    expect(await render(bio)).to.equal(`${seen}|x`);
  });

  it("A17 stores whole texts", async () => {
    const template = '{{#cache 9 "out"}}a{{#cache 9 "in"}}b{{/cache}}{{/cache}}';
    const { backend } = await expectSame({ template }, "ab");
    expect(backend.entries.get("fragment/out")?.text).to.equal("ab");
    expect(backend.entries.get("fragment/in")?.text).to.equal("b");
  });

  it("A18 is one for one key, and the first block wins", async () => {
    let n = 0;
    const helpers = { next: () => (n += 1) };
    const { render, backend } = kitchen();
    const template = '{{#cache 9 "k"}}{{next}}{{/cache}}-{{#cache 9 "k"}}other{{next}}{{/cache}}';
    expect(await render({ template, helpers })).to.equal("1-1");
    expect(await render({ template, helpers })).to.equal("1-1");
    expect({ n, reads: backend.reads }).to.eql({ n: 1, reads: [["fragment/k"], ["fragment/k"]] });
  });

  it("A19 runs in place within itself", async () => {
    const partials = {
      node: '{{#cache 9 "node"}}<{{id}}{{#each kids}}{{> node}}{{/each}}>{{/cache}}',
    };
    const { backend } = await expectSame(
      { template: "{{> node}}", partials, data: () => ({ id: 1, kids: [{ id: 2, kids: [] }] }) },
      "<1<2>>",
    );
    expect(backend.entries.get("fragment/node")?.text).to.equal("<1<2>>");
  });

  it("A20 ends, though two keys contain each other", async () => {
    const template =
      '{{#cache 9 "a"}}A{{#cache 9 "b"}}b{{/cache}}{{/cache}}' +
      '{{#cache 9 "b"}}B{{#cache 9 "a"}}a{{/cache}}{{/cache}}';
    const { render, backend } = kitchen();
    expect(plain({ template })).to.equal("AbBa");
    expect(await render({ template })).to.equal("AbBa");
    expect([...backend.entries.keys()]).to.eql([]);
    expect(await render({ template })).to.equal("AbBa");
  });

  it("A21 keeps what is in @variables, and sees what is changed in the context later", async () => {
    const helpers = {
      set: (name: string, value: unknown, options: { data: any }) => {
        options.data.root[name] = value;
      },
      put: (name: string, value: unknown, options: { data: any }) => {
        options.data[name] = value;
      },
    };
    const kept = '{{put "v" 1}}{{#cache 9 "k"}}{{@v}}{{/cache}}{{put "v" 2}}{{@v}}';
    await expectSame({ template: kept, helpers, data: () => ({}) }, "12");
    const late = '{{set "v" 1}}{{#cache 9 "k"}}{{v}}{{/cache}}{{set "v" 2}}{{v}}';
    expect(plain({ template: late, helpers, data: () => ({}) })).to.equal("12");
    await expectBoth({ template: late, helpers, data: () => ({}) }, "22");
  });

  it("A22 runs its blocks after the page: a limit for counters", async () => {
    let n = 0;
    const given = {
      template: '{{next}}{{#cache 9 "k"}}{{next}}{{/cache}}{{next}}',
      helpers: { next: () => (n += 1) },
    };
    expect(plain(given)).to.equal("123");
    n = 0;
    expect(await kitchen().render(given)).to.equal("132");
  });

  it("A33 is rendered again where the page becomes JSON", async () => {
    const { handlebars, fragments } = kitchen();
    const template = handlebars.compile('<p>"{{#cache 9 "k"}}a"b{{/cache}}"');
    const page = () => fragments.render(() => JSON.stringify({ html: template({}) }));
    expect(JSON.parse(await page())).to.eql({ html: '<p>"a"b"' });
    expect(JSON.parse(await page())).to.eql({ html: '<p>"a"b"' });
  });

  it("A34 is not there outside of a rendering", async () => {
    const { handlebars, backend, fragments } = kitchen();
    const kept: (() => string)[] = [];
    handlebars.registerHelper("keep", function (this: unknown, { fn }: Block) {
      kept.push(() => fn(this));
      return "";
    });
    const template = handlebars.compile('<{{#cache 9 "k"}}b{{/cache}}>');
    expect(template({})).to.equal("<b>");
    const keeping = handlebars.compile('{{#keep}}<{{#cache 9 "k"}}b{{/cache}}>{{/keep}}');
    await fragments.render(() => keeping({}));
    expect(kept[0]!()).to.equal("<b>");
    expect(backend.reads).to.eql([]);
  });

  it("A35 may be empty: that is a hit", async () => {
    let runs = 0;
    const given = {
      template: '[{{#cache 9 "k"}}{{tick}}{{/cache}}]',
      helpers: { tick: () => (runs++, "") },
    };
    const { render } = kitchen();
    expect(await render(given)).to.equal("[]");
    expect(await render(given)).to.equal("[]");
    expect(runs).to.equal(1);
  });

  it("A35 is rendered when the store is down, each block once", async () => {
    let runs = 0;
    const template =
      '{{#cache 9 "out"}}{{tick}}{{#cache 9 "in"}}{{tick}}{{/cache}}{{/cache}}{{#cache 9 "k"}}{{tick}}{{/cache}}';
    const given = { template, helpers: { tick: () => (runs++, "t") } };
    const { render, backend } = kitchen();
    backend.down = true;
    expect(await render(given)).to.equal("ttt");
    expect(runs).to.equal(3);
    expect(await render(given)).to.equal("ttt");
    expect(runs).to.equal(6);
  });

  it("A36 tells vary values apart", async () => {
    class User {
      readonly id: number;
      constructor(id: number) {
        this.id = id;
      }
      [cachingId]() {
        return this.id;
      }
    }
    const values = [
      undefined,
      null,
      "~",
      "",
      "null",
      true,
      "true",
      ["b", "c"],
      "b:c",
      new User(7),
      "7",
    ];
    const { handlebars, fragments, backend } = kitchen();
    const template = handlebars.compile(
      '{{#each vs}}{{#cache 9 "v" this}}{{@index}};{{/cache}}{{/each}}',
    );
    const page = await fragments.render(() => template({ vs: values }));
    expect(page).to.equal(values.map((_, index) => `${index};`).join(""));
    expect(backend.entries.size).to.equal(values.length);
    const both = handlebars.compile(
      '{{#cache 9 "v" "b" "c"}}two{{/cache}}{{#cache 9 "v" "b:c"}}one{{/cache}}',
    );
    expect(await fragments.render(() => both({}))).to.equal("twoone");
  });

  it("A36 takes a number and its text, and safe text and text, for the same", async () => {
    const { handlebars, fragments, backend } = kitchen();
    const template = handlebars.compile(
      '{{#cache 9 "v" 7}}a{{/cache}}{{#cache 9 "v" "7"}}b{{/cache}}{{#cache 9 "v" safe}}c{{/cache}}',
    );
    const page = await fragments.render(() => template({ safe: new Handlebars.SafeString("7") }));
    expect(page).to.equal("aaa");
    expect([...backend.entries.keys()]).to.eql(["fragment/v:7"]);
  });

  it("A37 passes its tags on to the fragment and the computation around it, hit or miss", async () => {
    const { handlebars, fragments, backend } = kitchen();
    handlebars.registerHelper("read", (name: string) => {
      backend.tag(name);
      return "";
    });
    const template = handlebars.compile(
      '{{#cache 9 "out" v tags="o"}}{{#cache 9 "in" tags=list}}{{read "r"}}i{{/cache}}{{/cache}}',
    );
    const page = (v: number) =>
      backend.collect(() => fragments.render(() => template({ v, list: ["a", "b"] })));
    expect(await page(1)).to.eql(["a", "b", "o", "r"]);
    expect(await page(1)).to.eql(["a", "b", "o", "r"]);
    // The inner one is a hit now, within a new outer one.
    expect(await page(2)).to.eql(["a", "b", "o", "r"]);
    backend.invalidate("r");
    expect([...backend.entries.keys()]).to.eql([]);
  });
});

describe("Handlebars: what a page of fragments costs", () => {
  const cards = '{{#each xs}}{{#cache 9 "card" this}}<{{this}}>{{tick}}{{/cache}}{{/each}}';
  const hundred = Array.from({ length: 100 }, (_, index) => index);

  it("is one read, no write and no block when all are hot", async () => {
    let runs = 0;
    const given = {
      template: cards,
      data: () => ({ xs: hundred }),
      helpers: { tick: () => (runs++, "") },
    };
    const { render, backend } = kitchen();
    const cold = await render(given);
    expect({ runs, reads: backend.reads.length, writes: backend.writes.length }).to.eql({
      runs: 100,
      reads: 1,
      writes: 1,
    });
    backend.reset();
    expect(await render(given)).to.equal(cold);
    expect({ runs, reads: backend.reads.length, writes: backend.writes }).to.eql({
      runs: 100,
      reads: 1,
      writes: [],
    });
  });

  it("is one read, one write and the missing blocks when some are cold", async () => {
    let runs = 0;
    const given = {
      template: cards,
      data: () => ({ xs: hundred }),
      helpers: { tick: () => (runs++, "") },
    };
    const { render, backend } = kitchen();
    await render(given);
    for (const id of [3, 50, 99]) backend.entries.delete(`fragment/card:${id}`);
    backend.reset();
    await render(given);
    expect({ runs, reads: backend.reads.length }).to.eql({ runs: 103, reads: 1 });
    expect(backend.writes).to.eql([["fragment/card:3", "fragment/card:50", "fragment/card:99"]]);
  });

  it("is three reads and one write for three levels that are cold, and one read hot", async () => {
    const template =
      '{{#cache 9 "a"}}1{{#cache 9 "b"}}2{{#cache 9 "c"}}3{{/cache}}{{/cache}}{{/cache}}{{#cache 9 "d"}}4{{/cache}}';
    const { render, backend } = kitchen();
    expect(await render({ template })).to.equal("1234");
    expect(backend.reads).to.eql([["fragment/a", "fragment/d"], ["fragment/b"], ["fragment/c"]]);
    expect(backend.writes).to.have.length(1);
    backend.reset();
    expect(await render({ template })).to.equal("1234");
    expect({ reads: backend.reads, writes: backend.writes }).to.eql({
      reads: [["fragment/a", "fragment/d"]],
      writes: [],
    });
  });

  it("is nothing at all without fragments, and no read with a memory store", async () => {
    const { render, backend } = kitchen();
    expect(await render({ template: "<p>" })).to.equal("<p>");
    backend.local = true;
    await render({ template: cards, data: () => ({ xs: hundred }), helpers: { tick: () => "" } });
    backend.reset();
    await render({ template: cards, data: () => ({ xs: hundred }) });
    expect({ reads: backend.reads, writes: backend.writes }).to.eql({ reads: [], writes: [] });
  });

  it("B25 has room for 20 000 fragments in one loop", async () => {
    const xs = Array.from({ length: 20_000 }, (_, index) => index);
    const { render, backend } = kitchen();
    const page = await render({
      template: cards,
      data: () => ({ xs }),
      helpers: { tick: () => "" },
    });
    expect(page).to.equal(xs.map((x) => `<${x}>`).join(""));
    expect(backend.reads).to.have.length(1);
  });
});

describe("Handlebars: pages at the same time", () => {
  it("run a block once for all of them", async () => {
    let runs = 0;
    const { handlebars, fragments, backend } = kitchen();
    handlebars.registerHelper("tick", () => (runs++, "t"));
    const template = handlebars.compile(
      '{{#cache 9 "out"}}{{tick}}{{#cache 9 "in"}}{{tick}}{{/cache}}{{/cache}}{{#each xs}}{{#cache 9 "c" this}}{{tick}}{{/cache}}{{/each}}',
    );
    const pages = Array.from({ length: 50 }, () =>
      fragments.render(() => template({ xs: [1, 2, 3, 4, 5, 6] })),
    );
    expect(new Set(await Promise.all(pages))).to.eql(new Set(["tttttttt"]));
    expect(runs).to.equal(8);
    expectClean(backend);
  });

  it("never wait for each other", async () => {
    const { handlebars, fragments } = kitchen();
    const ab = handlebars.compile('{{#cache 9 "a"}}A{{#cache 9 "b"}}B{{/cache}}{{/cache}}');
    const ba = handlebars.compile('{{#cache 9 "b"}}b{{#cache 9 "a"}}a{{/cache}}{{/cache}}');
    const pages = await Promise.all([
      fragments.render(() => ab({})),
      fragments.render(() => ba({})),
    ]);
    expect(pages[0]).to.match(/^A(B|b.*)$/);
    expect(pages[1]).to.match(/^b(a|A.*)$/);
  });

  it("share the error of a block, and the next page runs it again", async () => {
    let runs = 0;
    const { handlebars, fragments, backend } = kitchen();
    handlebars.registerHelper("fail", () => {
      runs += 1;
      throw new Error("broken");
    });
    const template = handlebars.compile('{{#cache 9 "k"}}{{fail}}{{/cache}}');
    const page = () => fragments.render(() => template({}));
    const ended = await Promise.allSettled([page(), page(), page()]);
    expect(ended.map(({ status }) => status)).to.eql(["rejected", "rejected", "rejected"]);
    expect({ runs, entries: backend.entries.size }).to.eql({ runs: 1, entries: 0 });
    await page().catch(() => undefined);
    expect(runs).to.equal(2);
  });

  it("do not share what a page that failed had begun", async () => {
    const { handlebars, fragments, backend } = kitchen();
    handlebars.registerHelper("fail", () => {
      throw new Error("broken");
    });
    const bad = handlebars.compile(
      '{{#cache 9 "k"}}k{{#cache 9 "bad"}}{{fail}}{{/cache}}{{/cache}}',
    );
    const good = handlebars.compile('{{#cache 9 "k"}}k{{#cache 9 "good"}}g{{/cache}}{{/cache}}');
    const [failed, fine] = await Promise.allSettled([
      fragments.render(() => bad({})),
      fragments.render(() => good({})),
    ]);
    expect(failed.status).to.equal("rejected");
    expect(fine).to.eql({ status: "fulfilled", value: "kg" });
    expect(backend.entries.get("fragment/k")?.text).to.equal("kg");
  });
});

describe("Handlebars: several caches", () => {
  it("A28 each instance has its own, and partials run with the helper of their page", async () => {
    const one = kitchen();
    const two = kitchen();
    const shared = one.handlebars.compile('{{#cache 9 "p"}}p{{/cache}}');
    two.handlebars.registerPartial("shared", shared);
    const page = two.handlebars.compile('{{> shared}}{{#cache 9 "q"}}q{{/cache}}');
    expect(await two.fragments.render(() => page({}))).to.equal("pq");
    expect([...two.backend.entries.keys()]).to.eql(["fragment/p", "fragment/q"]);
    expect([...one.backend.entries.keys()]).to.eql([]);
  });

  it("a rendering of another cache is none", async () => {
    const { fragments } = memoryFragments();
    const { handlebars, backend } = kitchen();
    const template = handlebars.compile('<{{#cache 9 "k"}}b{{/cache}}>');
    expect(await fragments.render(() => template({}))).to.equal("<b>");
    expect(backend.reads).to.eql([]);
  });

  it("a rendering within a rendering leaves the other one's placeholders alone", async () => {
    const one = kitchen();
    const two = kitchen();
    const outer = one.handlebars.compile('{{#cache 9 "o"}}o{{/cache}}');
    two.handlebars.registerHelper("outer", () => new Handlebars.SafeString(outer({})));
    const inner = two.handlebars.compile('<{{outer}}{{#cache 9 "i"}}{{outer}}{{/cache}}>');
    const page = () => one.fragments.render(() => two.fragments.render(() => inner({})));
    expect(await page()).to.equal("<oo>");
    expect([...one.backend.entries.keys()]).to.eql(["fragment/o"]);
    expect([...two.backend.entries.keys()]).to.eql([]);
    expect(await page()).to.equal("<oo>");
  });

  it("installing twice for one cache is installing once; for two it is an error", () => {
    const { fragments } = memoryFragments();
    const handlebars = Handlebars.create();
    installHandlebars(handlebars, { [FRAGMENTS]: fragments });
    const { template } = handlebars;
    installHandlebars(handlebars, { [FRAGMENTS]: fragments });
    expect(handlebars.template).to.equal(template);
    const other = memoryFragments().fragments;
    expect(() => installHandlebars(handlebars, { [FRAGMENTS]: other })).to.throw(
      /has a helper named cache already.*Handlebars\.create\(\)/,
    );
  });
});
