// Traps B1 to B17: a block that runs later, wherever it stands, runs in the scope it stood in.
import { expect } from "chai";
import { expectBoth, expectSame, kitchen, plain, type Case } from "../support/nunjucks.js";

const abc = () => ({ xs: ["a", "b"], rows: [["a"], ["b", "c"]] });

describe("Nunjucks: a fragment where asynchronous tags fail", () => {
  const cases: readonly [string, Case, string][] = [
    [
      "B1 in an include in a loop",
      {
        templates: {
          main: '{% for x in xs %}<{% include "inc" %}>{% endfor %}',
          inc: '{% cache 9, "r", x %}{{ x }}{% endcache %}',
        },
        data: abc,
      },
      "<a><b>",
    ],
    [
      "B1 in an include in a condition",
      {
        templates: {
          main: '{% if xs %}<{% include "inc" %}>{% endif %}!',
          inc: '{% cache 9, "r" %}{{ xs | join }}{% endcache %}',
        },
        data: abc,
      },
      "<ab>!",
    ],
    [
      "B2 in a macro",
      {
        templates: {
          main: '{% macro b(t) %}{% cache 9,"m",t %}<{{ t }}>{% endcache %}{% endmacro %}{{ b(1) }}{{ b(2) }}',
        },
      },
      "<1><2>",
    ],
    [
      "B3 in a call block and in a filter block",
      {
        templates: {
          main: '{% macro box() %}[{{ caller() }}]{% endmacro %}{% call box() %}{% cache 9,"k" %}a{% endcache %}{% endcall %}{% filter upper %}{% cache 9,"l" %}b{% endcache %}{% endfilter %}',
        },
      },
      "[a]B",
    ],
    [
      "B4 in a block set",
      {
        templates: {
          main: '{% set s %}{% cache 9,"k" %}<i>{% endcache %}{% endset %}[{{ s | safe }}]',
        },
      },
      "[<i>]",
    ],
    [
      "B5 in for … else and in switch",
      {
        templates: {
          main: '{% for x in xs %}{% cache 9,"k",x %}{{ x }}{% endcache %}{% else %}none{% endfor %}{% for x in [] %}{% else %}{% cache 9,"n" %}none{% endcache %}{% endfor %}{% switch 1 %}{% case 1 %}{% cache 9,"s" %}one{% endcache %}{% endswitch %}',
        },
        data: abc,
      },
      "abnoneone",
    ],
    [
      "B6 in asyncAll",
      {
        templates: {
          main: '{% asyncAll x in [1,2] %}{% cache 9,"k",x %}{{ x }}{{ loop.index }}{% endcache %}{% endall %}',
        },
      },
      "1122",
    ],
    [
      "B6 in asyncEach",
      {
        templates: {
          main: '{% asyncEach x in [1,2] %}{% cache 9,"k",x %}{{ x }}{{ loop.index }}{% endcache %}{% endeach %}',
        },
      },
      "1122",
    ],
  ];
  for (const [name, given, expected] of cases) {
    it(name, async () => {
      await expectSame(given, expected);
    });
  }

  it("B7 renders without a callback where there is no rendering", () => {
    const { environment } = kitchen({ templates: { main: '<{% cache 9,"k" %}b{% endcache %}>' } });
    expect(environment.render("main")).to.equal("<b>");
  });

  it("B8 holds a {% block %}, which a template below may override", async () => {
    const layout = '{% cache 9,"k",id %}<{% block c %}b{% endblock %}>{% endcache %}';
    await expectBoth({ templates: { main: layout } }, "<b>");
    const page = { main: '{% extends "layout" %}{% block c %}{{ id }}{% endblock %}', layout };
    await expectBoth({ templates: page, data: () => ({ id: 7 }) }, "<7>");
  });

  it("B8 at the top of a template that extends another one is not rendered there", async () => {
    const templates = {
      main: '{% extends "layout" %}{% cache 9,"k" %}<{% block c %}b{% endblock %}>{% endcache %}',
      layout: "[{% block c %}{% endblock %}]",
    };
    const { backend } = await expectBoth({ templates }, "[b]");
    expect(backend.entries.size).to.equal(0);
  });

  it("stands in a block with super()", async () => {
    const templates = {
      main: '{% extends "layout" %}{% block c %}{% cache 9,"k" %}<{{ super() }}>{% endcache %}{% endblock %}',
      layout: '[{% block c %}{% cache 9,"l" %}up{% endcache %}{% endblock %}]',
    };
    await expectBoth({ templates }, "[<up>]");
  });
});

describe("Nunjucks: the scope of a fragment", () => {
  const cases: readonly [string, Case, string][] = [
    [
      "B10 keeps the loop's variable",
      {
        templates: {
          main: '{% for x in xs %}{% cache 9,"r",x %}{{ x }}{% endcache %}{% endfor %}',
        },
        data: abc,
      },
      "ab",
    ],
    [
      "B10 keeps several of them",
      {
        templates: {
          main: '{% for k, v in {a: 1, b: 2} %}{% cache 9,"r",k %}{{ k }}{{ v }};{% endcache %}{% endfor %}{% for p, q in [[1,2],[3,4]] %}{% cache 9,"q",p %}{{ p }}{{ q }};{% endcache %}{% endfor %}',
        },
      },
      "a1;b2;12;34;",
    ],
    [
      "B11 keeps loop",
      {
        templates: {
          main: '{% for x in xs %}{% cache 9,"r",x %}{{ loop.index }}{{ loop.first }}{{ x }};{% endcache %}{% endfor %}',
        },
        data: abc,
      },
      "1truea;2falseb;",
    ],
    [
      "B12 keeps an alias of the outer loop",
      {
        templates: {
          main: '{% for r in rows %}{% set outer = loop %}{% for x in r %}{% cache 9,"r",x %}{{ outer.index }}.{{ loop.index }};{% endcache %}{% endfor %}{% endfor %}',
        },
        data: abc,
      },
      "1.1;2.1;2.2;",
    ],
    [
      "B12 keeps a loop that a macro was given",
      {
        templates: {
          main: '{% macro m(l, x) %}{% cache 9,"r",x %}{{ l.index }}{{ x }};{% endcache %}{% endmacro %}{% for x in xs %}{{ m(loop, x) }}{% endfor %}',
        },
        data: abc,
      },
      "1a;2b;",
    ],
    [
      "B13 keeps what is set in the loop",
      {
        templates: {
          main: '{% for x in xs %}{% set v = x + "!" %}{% cache 9,"k",x %}{{ v }}{% endcache %}{% endfor %}',
        },
        data: abc,
      },
      "a!b!",
    ],
    [
      "B14 keeps what is set before and changed after",
      {
        templates: {
          main: '{% set v=1 %}{% cache 9,"k" %}{{ v }}{% endcache %}{% set v=2 %}{{ v }}',
        },
      },
      "12",
    ],
    [
      "B14 keeps it for macros, too",
      {
        templates: {
          main: '{% macro m() %}{{ v }}{% endmacro %}{% set v=1 %}{% cache 9,"k" %}{{ m() }}{% endcache %}{% set v=2 %}{{ m() }}',
        },
      },
      "12",
    ],
    [
      "B14 keeps it for fragments in macros",
      {
        templates: {
          main: '{% macro m(k) %}{% cache 9,"k",k %}{{ v }}{% endcache %}{% endmacro %}{% set v=1 %}{{ m(1) }}{% set v=2 %}{{ m(2) }}{% set v=3 %}',
        },
      },
      "12",
    ],
    [
      "B16 runs a block that calls its caller",
      {
        templates: {
          main: '{% macro box(i) %}{% cache 9,"box",i %}<{{ caller() }}>{% endcache %}{% endmacro %}{% for x in xs %}{% call box(x) %}{{ x }}{% endcall %}{% endfor %}',
        },
        data: abc,
      },
      "<a><b>",
    ],
    [
      "B16 runs it in another fragment, with arguments, and with fragments in it",
      {
        templates: {
          main: '{% macro box(i) %}{% cache 9,"box",i %}<{{ caller(i) }}{% cache 9,"in",i %}{{ i }}{% endcache %}>{% endcache %}{% endmacro %}{% cache 9,"out" %}{% for x in xs %}{% call(y) box(x) %}{{ x }}{{ y }}{% endcall %}{% endfor %}{% endcache %}',
        },
        data: abc,
      },
      "<aaa><bbb>",
    ],
    [
      "B16 holds a call block",
      {
        templates: {
          main: '{% macro box(i) %}<{{ caller() }}{{ i }}>{% endmacro %}{% for x in xs %}{% cache 9,"c",x %}{% call box(x) %}{{ x }}{% endcall %}{% endcache %}{% endfor %}',
        },
        data: abc,
      },
      "<aa><bb>",
    ],
    [
      "B16 is transformed, too, where its block calls its caller",
      {
        templates: {
          main: '{% macro box(i) %}{% cache 9,"box",i %}{% filter upper %}{% cache 9,"in",i %}b{% endcache %}{{ caller() }}{% endfilter %}{% endcache %}{% endmacro %}{% call box(1) %}c{% endcall %}',
        },
      },
      "BC",
    ],
    [
      "B17 keeps the default arguments of imported macros",
      {
        templates: {
          main: '{% import "lib" as lib %}{% for x in [1,2] %}{{ lib.b(x) }}{% endfor %}',
          lib: '{% macro b(t, s=3) %}{% cache 9,"m",t %}<{{ t }}{{ s }}>{% endcache %}{% endmacro %}',
        },
      },
      "<13><23>",
    ],
    [
      "imports and defines macros in its block",
      {
        templates: {
          main: '{% for x in xs %}{% cache 9,"i",x %}{% from "lib" import b %}{% macro c(t) %}({{ t }}){% endmacro %}{{ b(x) }}{{ c(x) }}{% endcache %}{% endfor %}',
          lib: "{% macro b(t) %}<{{ t }}>{% endmacro %}",
        },
        data: abc,
      },
      "<a>(a)<b>(b)",
    ],
    [
      "does not need what a condition has left undeclared",
      {
        templates: {
          main: '{% if no %}{% from "lib" import b %}{% endif %}{% cache 9,"i" %}t_2 t_3 b{% endcache %}',
          lib: "{% macro b(t) %}{% endmacro %}",
        },
      },
      "t_2 t_3 b",
    ],
    [
      "sees includes, their own scope and that of the template around them",
      {
        templates: {
          main: '{% for x in xs %}{% set y = x %}{% include "inc" %}{% endfor %}',
          inc: '{% set z = y %}{% cache 9,"i",x %}{{ x }}{{ y }}{{ z }}{{ loop.index }}{% endcache %}',
        },
        data: abc,
      },
      "aaa1bbb2",
    ],
    [
      "runs nested fragments of a loop",
      {
        templates: {
          main: '{% for r in rows %}{% cache 9,"o",loop.index %}[{% for x in r %}{% cache 9,"i",x %}{{ x }}{{ loop.index }}{% endcache %}{% endfor %}]{% endcache %}{% endfor %}',
        },
        data: abc,
      },
      "[a1][b1c2]",
    ],
  ];
  for (const [name, given, expected] of cases) {
    it(name, async () => {
      await expectSame(given, expected);
    });
  }

  it("B15 keeps to itself what is set in it, cold and hot alike", async () => {
    const given = {
      templates: { main: '{% cache 9,"k" %}{% set v=5 %}{{ v }}{% endcache %}{{ v }}' },
    };
    expect(await plain(given)).to.equal("55");
    await expectBoth(given, "5");
    expect(kitchen(given).environment.render("main")).to.equal("5");
  });
});
