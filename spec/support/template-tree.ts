// Random templates, apart from the engine that they are written for.
import * as fc from "fast-check";

/** A piece of a template. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "value"; readonly name: "v" | "h" | "who" | "index" }
  | { readonly kind: "loop" | "condition" | "fragment" | "call"; readonly inner: readonly Piece[] }
  | { readonly kind: "transform"; readonly by: number; readonly inner: readonly Piece[] }
  | { readonly kind: "include"; readonly which: number };

/** A page with the templates that it includes; an include has only those after it. */
export interface Tree {
  readonly main: readonly Piece[];
  readonly includes: readonly (readonly Piece[])[];
}

/** What a page shows: an item with items in it. Every item of a page has an id of its own. */
export interface Item {
  readonly id: string;
  readonly v: string;
  readonly h: string;
  readonly kids: readonly Item[];
}

const text = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom("a", "<b>", "</b>", " ", "\n", "x y", '"', "&amp;", "b--b", "  \n"),
  },
  {
    weight: 1,
    arbitrary: fc.string({
      unit: fc.constantFrom("a", "\v", "\f", "\u0001", "é", "$&", "%", ">", "1"),
    }),
  },
);

const pieces = fc.letrec<{ pieces: readonly Piece[] }>((tie) => {
  const inner = tie("pieces");
  const nested = (kind: "loop" | "condition" | "fragment" | "call") =>
    fc.record({ kind: fc.constant(kind), inner });
  const piece: fc.Arbitrary<Piece> = fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    text.map((given): Piece => ({ kind: "text", text: given })),
    fc.record({
      kind: fc.constant("value" as const),
      name: fc.constantFrom("v", "h", "who", "index"),
    }),
    nested("fragment"),
    nested("fragment"),
    nested("loop"),
    nested("condition"),
    nested("call"),
    fc.record({ kind: fc.constant("transform" as const), by: fc.nat(20), inner }),
    fc.record({ kind: fc.constant("include" as const), which: fc.nat(5) }),
  );
  return { pieces: fc.array(piece, { maxLength: 4, depthIdentifier: "pieces" }) };
}).pieces;

/** Random templates. */
export const trees: fc.Arbitrary<Tree> = fc.record({
  main: pieces,
  includes: fc.array(pieces, { maxLength: 3 }),
});

/** The items of one user: other ids and other values than those of any other user. */
export function itemsOf(who: string, depth = 3, path: string = who): Item {
  const kids =
    depth === 0 ? [] : ["0", "1"].map((place) => itemsOf(who, depth - 1, `${path}.${place}`));
  return { id: path, v: `${path}&b`, h: `<i>${path}</i>`, kids };
}
