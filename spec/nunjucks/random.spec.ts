import { expect } from "chai";
import * as fc from "fast-check";
import nunjucks from "nunjucks";
import { FRAGMENTS, type Fragments } from "../../src/fragment/fragments.js";
import { installNunjucks } from "../../src/nunjucks/index.js";
import {
  engineFragments,
  memoryFragments,
  type MemoryBackend,
} from "../support/fragment-backend.js";
import { transparent } from "../support/nunjucks.js";
import { itemsOf, trees, type Piece, type Tree } from "../support/template-tree.js";

const FILTERS = [
  "upper",
  'replace("b", "z")',
  "trim",
  "striptags",
  "forceescape",
  "indent(2)",
  "dump",
];

/** Templates in the words of Nunjucks. An item is `x` everywhere. */
class Writer {
  readonly #tree: Tree;
  #fragments = 0;
  #sets = 0;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  templates(): Record<string, string> {
    const { main, includes } = this.#tree;
    const named = includes.map((inner, index) => [`p${index}`, this.#write(inner, index + 1)]);
    return { ...(Object.fromEntries(named) as Record<string, string>), main: this.#write(main, 0) };
  }

  /** @param from The first template that may be included here. */
  #write(inner: readonly Piece[], from: number): string {
    return inner.map((piece) => this.#piece(piece, from)).join("");
  }

  #piece(piece: Piece, from: number): string {
    switch (piece.kind) {
      case "text":
        return `{% raw %}${piece.text}{% endraw %}`;
      case "value":
        return { v: "{{ x.v }}", h: "{{ x.h | safe }}", who: "{{ who }}", index: this.#set() }[
          piece.name
        ];
      case "loop":
        return `{% for x in x.kids %}${this.#write(piece.inner, from)}{% endfor %}`;
      case "condition":
        return `{% if x.kids.length %}${this.#write(piece.inner, from)}{% endif %}`;
      case "fragment":
        return `{% cache 60, "f${(this.#fragments += 1)}", x.id %}${this.#write(piece.inner, from)}{% endcache %}`;
      case "call":
        return this.#call(piece.inner, from);
      case "transform":
        return `{% filter ${FILTERS[piece.by % FILTERS.length]} %}${this.#write(piece.inner, from)}{% endfilter %}`;
      case "include":
      default:
        return this.#include(piece.which, from);
    }
  }

  #set(): string {
    const name = `s${(this.#sets += 1)}`;
    return `{% set ${name} = x.v + loop.index + loop.last %}{{ ${name} }}`;
  }

  #call(inner: readonly Piece[], from: number): string {
    const [first = { kind: "text", text: "" } as const, ...rest] = inner;
    const called = `{% import "lib" as lib %}{% call lib.box(x) %}${this.#piece(first, from)}{% endcall %}`;
    const name = `s${(this.#sets += 1)}`;
    return `${called}{% set ${name} %}${this.#write(rest, from)}{% endset %}{{ ${name} | safe }}`;
  }

  #include(which: number, from: number): string {
    const left = this.#tree.includes.length - from;
    return left <= 0 ? "" : `{% include "p${from + (which % left)}" %}`;
  }
}

function environmentOf(tree: Tree): nunjucks.Environment {
  const lib = "{% macro box(x) %}[{{ caller() }}{{ x.v }}]{% endmacro %}";
  const templates: Record<string, string> = { ...new Writer(tree).templates(), lib };
  const loader = {
    getSource: (name: string) => ({ src: templates[name]!, path: name, noCache: false }),
  };
  return new nunjucks.Environment(loader);
}

function plainPages(tree: Tree): (who: string) => string {
  const environment = environmentOf(tree);
  environment.addExtension("cache", transparent);
  return (who) => environment.render("main", { x: itemsOf(who), who });
}

function cachedPages(
  tree: Tree,
  local: boolean,
): { page: (who: string) => Promise<string>; backend: MemoryBackend } {
  const { backend, fragments } = memoryFragments();
  backend.local = local;
  return { backend, page: pagesOn(tree, fragments) };
}

function pagesOn(tree: Tree, fragments: Fragments): (who: string) => Promise<string> {
  const { render } = installNunjucks(environmentOf(tree), { [FRAGMENTS]: fragments });
  return (who) => render("main", { x: itemsOf(who), who });
}

describe("Nunjucks: random templates", () => {
  it("give what they give without fragments: cold, hot, and half hot", async () => {
    await fc.assert(
      fc.asyncProperty(trees, fc.boolean(), async (tree, local) => {
        const expected = plainPages(tree)("u");
        const { page, backend } = cachedPages(tree, local);
        expect(await page("u"), "cold").to.equal(expected);
        expect(await page("u"), "hot").to.equal(expected);
        for (const key of backend.entries.keys())
          if (key.length % 2 === 0) backend.entries.delete(key);
        expect(await page("u"), "half hot").to.equal(expected);
        for (const { text } of backend.entries.values()) expect(text).to.not.match(/\d{40}/);
      }),
      { numRuns: 200 },
    );
  });

  it("never mix the users of pages that are rendered at the same time", async () => {
    await fc.assert(
      fc.asyncProperty(trees, fc.scheduler(), async (tree, scheduler) => {
        const plain = plainPages(tree);
        const { page, backend } = cachedPages(tree, false);
        backend.arrival = () => scheduler.schedule(Promise.resolve());
        const users = ["ann", "bob", "cyn", "ann"];
        const pages = Promise.all(users.map(page));
        await scheduler.waitFor(pages);
        expect(await pages).to.eql(users.map(plain));
      }),
      { numRuns: 80 },
    );
  });

  it("do both on the engine, whose store answers at once or later", async () => {
    await fc.assert(
      fc.asyncProperty(trees, async (tree) => {
        const users = ["ann", "bob", "ann", "cyn"];
        const expected = users.map(plainPages(tree));
        for (const { fragments, texts } of engineFragments()) {
          const page = pagesOn(tree, fragments);
          // oxlint-disable-next-line no-await-in-loop
          expect(await Promise.all(users.map(page)), "cold").to.eql(expected);
          // oxlint-disable-next-line no-await-in-loop
          expect(await Promise.all(users.map(page)), "hot").to.eql(expected);
          for (const text of texts()) expect(text).to.not.match(/\d{40}/);
        }
      }),
      { numRuns: 80 },
    );
  });
});
