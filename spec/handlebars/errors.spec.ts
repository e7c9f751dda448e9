// Traps A24 and A25, and wrong arguments: errors say where and what.
import FakeTimers from "@sinonjs/fake-timers";
import { expect } from "chai";
import Handlebars from "handlebars";
import { FragmentError } from "../../src/errors.js";
import { FRAGMENTS } from "../../src/fragment/fragments.js";
import { installHandlebars } from "../../src/handlebars/index.js";
import { kitchen, plain, type Case } from "../support/handlebars.js";

type Block = { fn: (context: unknown) => string };

async function failure(given: Case, made = kitchen()): Promise<Error & { fragment?: string }> {
  return made.render(given).then(
    (text) => expect.fail(`rendered ${text}`),
    (error: Error) => error,
  );
}

describe("Handlebars: an error in a fragment", () => {
  it("A24 rejects the rendering, names the fragment, and nothing is stored", async () => {
    const made = kitchen();
    const template =
      '{{#cache 9 "fine"}}f{{/cache}}{{#cache 9 "o"}}{{#cache 9 "k" 1}}{{fail}}{{/cache}}{{/cache}}';
    const helpers = {
      fail: () => {
        throw new Error("broken");
      },
    };
    const error = await failure({ template, helpers }, made);
    expect(error).to.include({ message: "broken", fragment: "fragment/k:1" });
    expect(made.backend.entries.size).to.equal(0);
    expect(made.backend.failures).to.have.length(1);
  });

  it("A24 is that of strict mode, with the position in the template", async () => {
    const given = {
      template: 'x\n{{#cache 9 "k"}}{{nothing}}{{/cache}}',
      compileOptions: { strict: true },
      data: () => ({}),
    };
    const error = await failure(given);
    expect(error.message).to.match(/"nothing" not defined in \[object Object\] - 2:\d+/);
    expect(error.message).to.equal(messageOf(() => plain(given)));
  });

  it("A24 is not caught by a helper around it: a limit", async () => {
    const given = {
      template: '{{#attempt}}{{#cache 9 "k"}}{{fail}}{{/cache}}{{/attempt}}',
      helpers: {
        fail: () => {
          throw new Error("broken");
        },
        attempt(this: unknown, { fn }: Block) {
          try {
            return fn(this);
          } catch {
            return "caught";
          }
        },
      },
    };
    expect(plain(given)).to.equal("caught");
    expect((await failure(given)).message).to.equal("broken");
  });

  it("serves the stale text where the fragment may be stale", async () => {
    const clock = FakeTimers.install({ toFake: ["Date"] });
    let works = true;
    const given = {
      template: '{{#cache 9 "k"}}{{now}}{{/cache}}',
      helpers: {
        now: () => {
          if (works) return "old";
          throw new Error("broken");
        },
      },
    };
    const made = kitchen({ staleIfError: 60 });
    expect(await made.render(given)).to.equal("old");
    works = false;
    clock.tick(10_000);
    expect(await made.render(given)).to.equal("old");
    clock.tick(60_000);
    expect((await failure(given, made)).message).to.equal("broken");
    expect(made.backend.failures).to.have.length(2);
    clock.uninstall();
  });
});

describe("Handlebars: wrong use of the tag", () => {
  const wrong: readonly [string, string, RegExp][] = [
    ["no arguments", "{{#cache}}b{{/cache}}", /needs a name/],
    ["no name", "{{#cache 9}}b{{/cache}}", /line 2, column 0: .*needs a name.*got undefined/],
    ["an empty name", '{{#cache 9 ""}}b{{/cache}}', /needs a name/],
    ["a name that is an object", "{{#cache 9 user}}b{{/cache}}", /needs a name.*got an object/],
    [
      "a timeout without a unit",
      '{{#cache "soon" "k"}}b{{/cache}}',
      /timeout of the fragment "k" must be seconds.*got "soon"/,
    ],
    ["a negative timeout", '{{#cache -1 "k"}}b{{/cache}}', /timeout.*got -1/],
    ["a timeout that is true", '{{#cache true "k"}}b{{/cache}}', /timeout.*got true/],
    ["a timeout that is an object", '{{#cache user "k"}}b{{/cache}}', /timeout.*got an object/],
    [
      "a vary value that is an object",
      '{{#cache 9 "k" 1 user}}b{{/cache}}',
      /Vary value 2 of the fragment "k" is an object.*user\.id.*\[cachingId\]/,
    ],
    [
      "tags that are no names",
      '{{#cache 9 "k" tags=user}}b{{/cache}}',
      /tags of the fragment "k".*got an object/,
    ],
    [
      "an unknown argument",
      '{{#cache 9 "k" tag="x"}}b{{/cache}}',
      /no argument "tag"=; it has tags=/,
    ],
    ["{{else}}", '{{#cache 9 "k"}}b{{else}}c{{/cache}}', /no \{\{else\}\}/],
    ["an inverse block", '{{^cache 9 "k"}}b{{/cache}}', /no \{\{else\}\} and no inverse block/],
    ["use without a block", '{{cache 9 "k"}}', /without a block/],
    ["use as an argument", '{{upper (cache 9 "k")}}', /without a block/],
  ];
  for (const [what, tag, message] of wrong) {
    it(`A25 ${what} is an error with template and line`, async () => {
      const given = {
        template: `<p>\n${tag}`,
        compileOptions: { srcName: "page.hbs" } as CompileOptions,
        data: () => ({ user: {} }),
        helpers: { upper: String },
      };
      const error = await failure(given);
      expect(error).to.be.instanceOf(FragmentError);
      expect(error.message).to.match(/^\{\{#cache\}\} in page\.hbs, line 2, column \d+: /);
      expect(error.message).to.match(message);
    });
  }

  it("A25 is an error without a rendering, too", () => {
    const { handlebars } = kitchen();
    expect(() => handlebars.compile("{{#cache 9}}b{{/cache}}")({})).to.throw(/needs a name/);
  });

  it("names the partial in which it is", async () => {
    const error = await failure({
      template: "{{> row}}",
      partials: { row: "\n\n{{#cache 9}}b{{/cache}}" },
    });
    expect(error.message).to.match(/in the partial "row", line 3, column 0/);
  });

  it("is an error to render what is not compiled", async () => {
    const { render } = installHandlebars(Handlebars.create(), { [FRAGMENTS]: kitchen().fragments });
    const error = await render("<p>" as never).catch((thrown: Error) => thrown);
    expect(String(error)).to.match(/takes a template compiled.*got "<p>".*Handlebars\.compile/);
  });

  it("is an error of the engine where the block is not closed", async () => {
    expect((await failure({ template: '{{#cache 9 "k"}}b' })).message).to.match(
      /Parse error on line 1/,
    );
  });
});

describe("Handlebars: a fragment that cannot be put in", () => {
  /** A helper that shouts what its block gave when it ran first. */
  function hoarse(): { shout: (options: Block) => string } {
    let first: string | undefined;
    return {
      shout(this: unknown, { fn }: Block) {
        first ??= fn(this).toUpperCase();
        return first;
      },
    };
  }

  it("is an error, and no placeholder in the page", async () => {
    const template = '{{#shout}}{{#cache 9 "k"}}b{{/cache}}{{/shout}}';
    const error = await failure({ template, helpers: hoarse() });
    expect(error).to.be.instanceOf(FragmentError);
    expect(error.message).to.match(/left their places even where their blocks ran in place/);
  });

  it("is an error that names the fragment around it, and nothing is stored", async () => {
    const template = '{{#cache 9 "o"}}{{#shout}}{{#cache 9 "k"}}b{{/cache}}{{/shout}}{{/cache}}';
    const made = kitchen();
    const error = await failure({ template, helpers: hoarse() }, made);
    expect(error.message).to.match(/lost even where its block ran in place/);
    expect(error.fragment).to.equal("fragment/o");
    expect(made.backend.entries.size).to.equal(0);
  });

  it("is an error where its block fails in its place", async () => {
    let runs = 0;
    const helpers = {
      upper(this: unknown, { fn }: Block) {
        return fn(this).toUpperCase();
      },
      fragile: () => {
        runs += 1;
        if (runs === 2) throw new Error("once is enough");
        return "";
      },
    };
    const template =
      '{{#cache 9 "o"}}{{fragile}}{{#upper}}{{#cache 9 "k"}}b{{/cache}}{{/upper}}{{/cache}}';
    const error = await failure({ template, helpers });
    expect(error).to.include({ message: "once is enough", fragment: "fragment/o" });
  });
});

describe("Handlebars: the timeout of a fragment", () => {
  const timeouts: readonly [string, number | undefined][] = [
    ["9", 9000],
    ['"5m"', 300_000],
    ["0", Infinity],
    ["null", undefined],
    ["undefined", undefined],
    ["none", undefined],
    ["0.5", 500],
  ];
  for (const [written, expected] of timeouts) {
    it(`${written} is ${expected === undefined ? "the default" : `${expected} ms`}`, async () => {
      const { backend, render } = kitchen();
      let asked: number | undefined = -1;
      const read = backend.read.bind(backend);
      backend.read = (requests) => {
        asked = requests[0]!.timeout;
        return read(requests);
      };
      await render({ template: `{{#cache ${written} "k"}}b{{/cache}}`, data: () => ({}) });
      expect(asked).to.equal(expected);
    });
  }

  it("false leaves the cache alone", async () => {
    const { backend, render } = kitchen();
    expect(await render({ template: '{{#cache false "k"}}b{{/cache}}' })).to.equal("b");
    expect({ reads: backend.reads, size: backend.entries.size }).to.eql({ reads: [], size: 0 });
  });

  it('"del" deletes, renders and does not store', async () => {
    const { backend, render } = kitchen();
    const given = { template: '{{#cache timeout "k"}}{{text}}{{/cache}}' };
    await render({ ...given, data: () => ({ timeout: 9, text: "old" }) });
    const deleting = { ...given, data: () => ({ timeout: "del", text: "new" }) };
    expect(await render(deleting)).to.equal("new");
    expect(backend.entries.size).to.equal(0);
  });
});

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  return expect.fail("nothing thrown");
}
