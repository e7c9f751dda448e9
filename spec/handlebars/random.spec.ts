import { expect } from "chai";
import * as fc from "fast-check";
import Handlebars from "handlebars";
import { FRAGMENTS, type Fragments } from "../../src/fragment/fragments.js";
import { installHandlebars } from "../../src/handlebars/index.js";
import {
  engineFragments,
  memoryFragments,
  type MemoryBackend,
} from "../support/fragment-backend.js";
import { itemsOf, trees, type Piece, type Tree } from "../support/template-tree.js";

const TRANSFORMS: Record<string, (text: string) => string> = {
  upper: (text) => text.toUpperCase(),
  escape: (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;"),
  json: (text) => JSON.stringify(text),
  strip: (text) => text.replaceAll(/<[^>]*>/g, ""),
  collapse: (text) => text.replaceAll(/\s+/g, " "),
  trim: (text) => text.trim(),
  trimEnd: (text) => text.trimEnd(),
  twice: (text) => text + text,
  drop: () => "",
  swap: (text) => text.replaceAll("b", "z"),
  indent: (text) => text.replaceAll("\n", "\n  "),
};
const NAMES = Object.keys(TRANSFORMS);

/** A template in the words of Handlebars. */
class Writer {
  readonly #tree: Tree;
  #fragments = 0;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  templates(): { main: string; partials: Record<string, string> } {
    const { main, includes } = this.#tree;
    const partials = includes.map((inner, index) => [`p${index}`, this.#write(inner, index + 1)]);
    return {
      main: this.#write(main, 0),
      partials: Object.fromEntries(partials) as Record<string, string>,
    };
  }

  /** @param from The first partial that may be used here. */
  #write(inner: readonly Piece[], from: number): string {
    return inner.map((piece) => this.#piece(piece, from)).join("");
  }

  #piece(piece: Piece, from: number): string {
    switch (piece.kind) {
      case "text":
        return piece.text;
      case "value":
        return {
          v: "{{v}}",
          h: "{{{h}}}",
          who: "{{who}}",
          index: "{{@index}}{{@first}}{{@last}}",
        }[piece.name];
      case "loop":
        return `{{#each kids}}${this.#write(piece.inner, from)}{{/each}}`;
      case "condition":
        return `{{#if kids}}${this.#write(piece.inner, from)}{{/if}}`;
      case "fragment":
        return `{{#cache 60 "f${(this.#fragments += 1)}" id}}${this.#write(piece.inner, from)}{{/cache}}`;
      case "call":
        return `{{#> box}}${this.#write(piece.inner, from)}{{/box}}`;
      case "transform":
        return `{{#${NAMES[piece.by % NAMES.length]}}}${this.#write(piece.inner, from)}{{/${NAMES[piece.by % NAMES.length]}}}`;
      case "include":
      default:
        return this.#include(piece.which, from);
    }
  }

  #include(which: number, from: number): string {
    const left = this.#tree.includes.length - from;
    if (left <= 0) return "";
    // A partial alone on its line is indented.
    return `\n  {{> p${from + (which % left)}}}\n`;
  }
}

function instance(): typeof Handlebars {
  const handlebars = Handlebars.create();
  for (const [name, transform] of Object.entries(TRANSFORMS)) {
    handlebars.registerHelper(name, function (this: unknown, options: Handlebars.HelperOptions) {
      return transform(options.fn(this));
    });
  }
  handlebars.registerPartial("box", "[{{> @partial-block}}]");
  return handlebars;
}

type Page = (who: string) => string;

function pageOf(handlebars: typeof Handlebars, tree: Tree): Page {
  const { main, partials } = new Writer(tree).templates();
  for (const [name, source] of Object.entries(partials)) handlebars.registerPartial(name, source);
  const template = handlebars.compile(main);
  return (who) => template(itemsOf(who), { helpers: { who: () => who } });
}

function plainPages(tree: Tree): Page {
  const handlebars = instance();
  handlebars.registerHelper("cache", function (this: unknown, ...args: any[]) {
    return args.at(-1).fn(this);
  });
  return pageOf(handlebars, tree);
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
  const handlebars = instance();
  installHandlebars(handlebars, { [FRAGMENTS]: fragments });
  const page = pageOf(handlebars, tree);
  return (who) => fragments.render(() => page(who));
}

describe("Handlebars: random templates", () => {
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
      { numRuns: 400 },
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
      { numRuns: 150 },
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
      { numRuns: 150 },
    );
  });
});
