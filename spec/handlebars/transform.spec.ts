// Traps A9 to A15: what is around a fragment changes, cuts, repeats or indents its text.
import { expect } from "chai";
import { expectSame, kitchen, plain, type Case } from "../support/handlebars.js";

type Block = { fn: (context: unknown) => string };

const helpers: Record<string, (...args: any[]) => unknown> = {
  upper: block((text) => text.toUpperCase()),
  esc: block((text) =>
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
  ),
  attribute: block((text) => text.replaceAll('"', "&quot;")),
  json: block((text) => JSON.stringify(text)),
  strip: block((text) => text.replaceAll(/<[^>]*>/g, "")),
  collapse: block((text) => text.replaceAll(/\s+/g, " ")),
  newlines: block((text) => text.replaceAll("\n", "")),
  swap: block((text) => text.replaceAll("b", "z")),
  url: block((text) => encodeURIComponent(text)),
  reverse: block((text) => text.split("").toReversed().join("")),
  trim: block((text) => text.trim()),
  trimStart: block((text) => text.trimStart()),
  twice: block((text) => text + text),
  drop: block(() => ""),
  head: block((text) => text.slice(0, 5)),
  tail: block((text) => text.slice(-3)),
  twiceCut: block((text) => text + text.slice(0, 3)),
};

function block(change: (text: string) => string) {
  return function (this: unknown, ...args: unknown[]): string {
    return change((args.at(-1) as Block).fn(this));
  };
}

describe("Handlebars: a fragment within a helper that transforms its block", () => {
  const transformed: readonly [string, string, string][] = [
    ["changes case", '{{#upper}}a{{#cache 9 "k"}}b{{/cache}}{{/upper}}', "AB"],
    ["escapes", '{{#esc}}{{#cache 9 "k"}}<b>{{/cache}}{{/esc}}', "&lt;b&gt;"],
    ["escapes quotes", '{{#attribute}}{{#cache 9 "k"}}"{{/cache}}{{/attribute}}', "&quot;"],
    ["makes JSON", '{{#json}}{{#cache 9 "k"}}a"b{{/cache}}{{/json}}', '"a\\"b"'],
    ["strips tags", '{{#strip}}{{#cache 9 "k"}}<b>x</b>{{/cache}}{{/strip}}', "x"],
    ["collapses blanks", '{{#collapse}}{{#cache 9 "k"}}a  b{{/cache}}{{/collapse}}', "a b"],
    ["strips newlines", '{{#newlines}}{{#cache 9 "k"}}a{{lf}}b{{/cache}}{{/newlines}}', "ab"],
    ["replaces a character", '{{#swap}}{{#cache 9 "k"}}abc{{/cache}}{{/swap}}', "azc"],
    ["encodes", '{{#url}}{{#cache 9 "k"}}a b{{/cache}}{{/url}}', "a%20b"],
    ["reverses", '{{#reverse}}{{#cache 9 "k"}}abc{{/cache}}{{/reverse}}', "cba"],
  ];
  for (const [what, template, expected] of transformed) {
    it(`A9 is transformed, too, by one that ${what}`, async () => {
      const { warnings } = await expectSame(
        { template, helpers, data: () => ({ lf: "\n" }) },
        expected,
      );
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.include('"k"');
    });
  }

  it("A9 is stored as its block gave it, and runs once a page from then on", async () => {
    let runs = 0;
    const counted = { ...helpers, tick: () => String((runs += 1) && "b") };
    const { render, backend } = kitchen();
    const given = {
      template: '{{#upper}}{{#cache 9 "k"}}{{tick}}{{/cache}}{{/upper}}',
      helpers: counted,
    };
    expect(await render(given)).to.equal("B");
    expect(backend.entries.get("fragment/k")?.text).to.equal("b");
    runs = 0;
    backend.reset();
    expect(await render(given)).to.equal("B");
    expect({ runs, reads: backend.reads }).to.eql({ runs: 1, reads: [] });
  });

  it("A9 repairs the fragment around it, not the page", async () => {
    let pages = 0;
    const counted = { ...helpers, page: () => String((pages += 1) && "") };
    const template =
      '{{page}}{{#cache 9 "outer"}}<{{#upper}}{{#cache 9 "inner"}}b{{/cache}}{{/upper}}>{{/cache}}';
    const { render, backend } = kitchen();
    expect(await render({ template, helpers: counted })).to.equal("<B>");
    expect(pages).to.equal(1);
    expect(backend.entries.get("fragment/outer")?.text).to.equal("<B>");
    expect(backend.entries.get("fragment/inner")?.text).to.equal("b");
    expect(await render({ template, helpers: counted })).to.equal("<B>");
  });

  it("A9 is an error in strict mode", async () => {
    const { render } = kitchen({ strict: true });
    const given = { template: '{{#upper}}{{#cache 9 "k"}}b{{/cache}}{{/upper}}', helpers };
    const error = await render(given).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error?.message).to.match(/"k" stands in something that changes the text/);
  });

  it("A10 is trimmed with what it is at the edge of", async () => {
    const trims: [string, string][] = [
      ['[{{#trim}}{{#cache 9 "k"}} x {{/cache}}y {{/trim}}]', "[x y]"],
      ['[{{#trim}} y{{#cache 9 "k"}} x {{/cache}}{{/trim}}]', "[y x]"],
      ['[{{#trim}}{{#cache 9 "k"}} x {{/cache}}{{/trim}}]', "[x]"],
      ['[{{#trimStart}}{{#cache 9 "k"}} x {{/cache}}{{/trimStart}}]', "[x ]"],
      ['{{#trim}}{{#cache 9 "a"}} x {{/cache}}{{/trim}}{{#cache 9 "b"}} y {{/cache}}', "x y "],
      ['{{#cache 9 "b"}} y {{/cache}}{{#trim}}{{#cache 9 "a"}} x {{/cache}}{{/trim}}', " y x"],
    ];
    for (const [template, expected] of trims) {
      const { warnings } = await expectSame({ template, helpers }, expected);
      expect(warnings, template).to.eql([]);
    }
  });

  it("A10 is trimmed away where it is blank", async () => {
    await expectSame(
      { template: '[{{#trim}}{{#cache 9 "k"}}  {{/cache}} y{{/trim}}]', helpers },
      "[y]",
    );
  });

  it("A11 is cut where the text is cut", async () => {
    await expectSame(
      { template: '{{#head}}ab{{#cache 9 "k"}}cdefgh{{/cache}}{{/head}}', helpers },
      "abcde",
    );
    await expectSame(
      { template: '{{#tail}}{{#cache 9 "k"}}cdefgh{{/cache}}{{/tail}}', helpers },
      "fgh",
    );
    await expectSame(
      { template: '{{#twiceCut}}{{#cache 9 "k"}}cdefgh{{/cache}}{{/twiceCut}}', helpers },
      "cdefghcde",
    );
  });

  it("A12 may be repeated or discarded", async () => {
    const { warnings, backend } = await expectSame(
      {
        template:
          '{{#twice}}<{{#cache 9 "k"}}b{{/cache}}>{{/twice}}{{#drop}}{{#cache 9 "l"}}c{{/cache}}{{/drop}}',
        helpers,
      },
      "<b><b>",
    );
    expect(warnings).to.eql([]);
    expect(backend.writes).to.eql([["fragment/k", "fragment/l"]]);
  });

  it("A12 is not damaged by a user's control characters, wherever they stand", async () => {
    const text = "\v a\fb \v";
    const { warnings } = await expectSame(
      { template: '{{t}}{{#cache 9 "k"}}{{t}}b{{t}}{{/cache}}-{{t}}-', data: () => ({ t: text }) },
      `${text}${text}b${text}-${text}-`,
    );
    expect(warnings).to.eql([]);
  });
});

describe("Handlebars: a limit of fragments", () => {
  it("A13 a helper that measures its block sees that something is there", async () => {
    const given: Case = {
      template: '{{#nonempty}}{{#cache 9 "k"}}{{/cache}}{{/nonempty}}',
      helpers: {
        nonempty(this: unknown, options: Block) {
          return options.fn(this) ? "full" : "empty";
        },
      },
    };
    expect(plain(given)).to.equal("empty");
    expect(await kitchen().render(given)).to.equal("full");
  });
});

describe("Handlebars: a fragment in an indented partial", () => {
  const row = '<li>\n{{#cache 9 "r"}}\nx\ny\n{{/cache}}\n</li>\n';
  const cases: readonly [string, string, Record<string, string>, string][] = [
    [
      "A14 is indented",
      "<ul>\n  {{> row}}\n</ul>",
      { row },
      "<ul>\n  <li>\n  x\n  y\n  </li>\n</ul>",
    ],
    [
      "A14 that ends with the fragment",
      "<ul>\n  {{> row}}\n  </ul>",
      { row: '{{#cache 9 "r"}}\nx\ny\n{{/cache}}\n' },
      "<ul>\n  x\n  y\n  </ul>",
    ],
    [
      "A14 that ends with the fragment, without a newline",
      "<ul>\n  {{> row}}\n  </ul>",
      { row: '{{#cache 9 "r"}}x\ny{{/cache}}' },
      "<ul>\n  x\n  y  </ul>",
    ],
    [
      "A14 that is nothing but an empty fragment",
      "<ul>\n  {{> row}}\n</ul>",
      { row: '{{#cache 9 "r"}}{{/cache}}' },
      "<ul>\n</ul>",
    ],
    [
      "A14 in an indented partial",
      "<a>\n  {{> list}}\n</a>",
      { list: "<b>\n    {{> row}}\n    T\n</b>\n", row: '{{#cache 9 "r"}}\nx\ny\n{{/cache}}\n' },
      "<a>\n  <b>\n      x\n      y\n      T\n  </b>\n</a>",
    ],
    [
      "A14 in a loop",
      "<ul>\n  {{> list}}\n</ul>",
      {
        list: '{{#each xs}}\n{{#cache 9 "c" this}}\n{{#if this}}\n<li>{{this}}\n{{/if}}\n{{/cache}}\n{{/each}}\n',
      },
      "<ul>\n  <li>1\n  <li>2\n</ul>",
    ],
    [
      "A14 within a fragment",
      '{{#cache 9 "o"}}\n<ul>\n  {{> row}}\n</ul>\n{{/cache}}',
      { row },
      "<ul>\n  <li>\n  x\n  y\n  </li>\n</ul>\n",
    ],
  ];
  for (const [name, template, partials, expected] of cases) {
    it(name, async () => {
      const { warnings, backend } = await expectSame(
        { template, partials, data: () => ({ xs: [1, 2, 0] }) },
        expected,
      );
      expect(warnings).to.eql([]);
      expect(backend.entries.get("fragment/r")?.text ?? "").to.not.include("  ");
    });
  }

  it("A14 is not indented with preventIndent", async () => {
    await expectSame(
      {
        template: "<ul>\n  {{> row}}\n</ul>",
        partials: { row },
        compileOptions: { preventIndent: true },
      },
      "<ul>\n  <li>\nx\ny\n</li>\n</ul>",
    );
  });

  it("A14 is transformed with the partial around it", async () => {
    await expectSame(
      { template: "{{#upper}}\n  {{> row}}\n{{/upper}}", partials: { row }, helpers },
      "  <LI>\n  X\n  Y\n  </LI>\n",
    );
  });
});

describe("Handlebars: the text of a fragment", () => {
  it("A15 may hold what String.replace() takes for a pattern", async () => {
    await expectSame(
      { template: '-{{#cache 9 "k"}}{{{h}}}{{/cache}}-', data: () => ({ h: "$&$1$`$'$$" }) },
      "-$&$1$`$'$$-",
    );
  });
});
