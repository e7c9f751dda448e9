// The placeholders that one rendering has left, and how their texts take their places.
import { FragmentError } from "../errors.js";
import type { Fragment } from "./fragment.js";
import { indentLines } from "./indent.js";
import { closeMarker, openMarker, placeholder, scan } from "./placeholder.js";
import type { Found, Marker, Scan } from "./placeholder.js";

/** What a text became: `waiting` while a fragment in it is not known. */
export type Expansion =
  | { readonly kind: "text"; readonly text: string; readonly hasGuest: boolean }
  | { readonly kind: "waiting" }
  | { readonly kind: "damaged"; readonly names: readonly string[] };

/** A text with placeholders that is to be indented when they are known. */
interface Indented {
  readonly raw: string;
  readonly indent: string;
}

interface Slot {
  /** The fragment in whose text the placeholder was left; the page where there is none. */
  readonly owner: Fragment | undefined;
  readonly content: { readonly fragment: Fragment } | Indented;
  /** The slot in whose text the placeholder has been put. */
  within: number | undefined;
}

/** The placeholders of one rendering. */
export class Ledger {
  readonly #slots: Slot[] = [];
  readonly #outer: Ledger | undefined;
  readonly #resolve: (fragment: Fragment) => void;
  #marker: Marker | undefined;

  /**
   * @param outer The ledger of the rendering around this one: its placeholders may pass.
   * @param resolve Makes the text of a fragment, if all is known that it needs.
   */
  constructor(outer: Ledger | undefined, resolve: (fragment: Fragment) => void) {
    this.#outer = outer;
    this.#resolve = resolve;
  }

  /** Whether any placeholder was left. */
  get isUsed(): boolean {
    return this.#slots.length > 0;
  }

  /** Leaves a placeholder for a fragment. */
  leave(fragment: Fragment, owner: Fragment | undefined): string {
    return this.#add({ owner, content: { fragment }, within: undefined });
  }

  /** Indents a text: at once, or where it holds placeholders, when they are known. */
  indent(raw: string, indent: string, owner: Fragment | undefined): string {
    if (this.#marker === undefined || !raw.includes(this.#marker.text)) {
      return indentLines(raw, indent);
    }
    const text = this.#add({ owner, content: { raw, indent }, within: undefined });
    const { pieces, broken } = scan(raw, this.#marker, []);
    for (const number of [...foundIn(pieces), ...broken]) {
      const slot = this.#slots[number - 1];
      if (slot !== undefined) slot.within = this.#slots.length;
    }
    return text;
  }

  /**
   * Puts the texts of fragments into the text of `owner`, or of the page.
   *
   * @param inPlace The text was made without placeholders.
   */
  expand(raw: string, owner: Fragment | undefined, inPlace = false): Expansion {
    const scanned = scan(raw, this.#marker, this.#guests());
    if (scanned.rest === "stranger") throw new FragmentError(STRANGER);
    const names = inPlace && scanned.rest !== "damage" ? undefined : this.#damage(scanned, owner);
    if (names !== undefined) return { kind: "damaged", names };
    let text = "";
    let hasGuest = scanned.rest === "guest";
    for (const piece of scanned.pieces) {
      if (typeof piece === "string") {
        text += piece;
        continue;
      }
      const inner = this.#fill(piece, owner);
      if (inner.kind !== "text") return inner;
      text += inner.text;
      hasGuest ||= inner.hasGuest;
    }
    return { kind: "text", text, hasGuest };
  }

  /** Ends the rendering. */
  close(): void {
    if (this.#marker !== undefined) closeMarker(this.#marker);
  }

  #add(slot: Slot): string {
    this.#marker ??= openMarker();
    return placeholder(this.#marker, this.#slots.push(slot));
  }

  /** What stands in the place of a placeholder. */
  #fill(found: Found, owner: Fragment | undefined): Expansion {
    const slot = this.#slots[found.slot - 1];
    if (slot === undefined) return { kind: "damaged", names: [] };
    const { content } = slot;
    const filled =
      "fragment" in content
        ? this.#textOf(content.fragment, owner)
        : this.#indented(content, owner);
    return filled.kind === "text" ? this.#trim(filled, found) : filled;
  }

  #textOf(fragment: Fragment, owner: Fragment | undefined): Expansion {
    if (owner !== undefined) (owner.inner ??= new Set()).add(fragment);
    if (fragment.text === undefined) this.#resolve(fragment);
    const { text, hasGuest } = fragment;
    return text === undefined ? { kind: "waiting" } : { kind: "text", text, hasGuest };
  }

  #indented({ raw, indent }: Indented, owner: Fragment | undefined): Expansion {
    const inner = this.expand(raw, owner);
    return inner.kind === "text" ? { ...inner, text: indentLines(inner.text, indent) } : inner;
  }

  /** What was trimmed off a placeholder is trimmed off the text, unless more would have gone. */
  #trim(filled: Expansion & { kind: "text" }, found: Found): Expansion {
    if (!found.trimStart && !found.trimEnd) return filled;
    let { text } = filled;
    if (found.trimStart) text = text.trimStart();
    if (found.trimEnd) text = text.trimEnd();
    return text === ""
      ? { kind: "damaged", names: this.#names([found.slot]) }
      : { ...filled, text };
  }

  /** The names of fragments whose placeholders something has changed; `undefined` if nothing has. */
  #damage({ pieces, broken, rest }: Scan, owner: Fragment | undefined): string[] | undefined {
    if (rest === "nothing" || rest === "guest") return undefined;
    if (broken.length > 0) return this.#names(broken);
    const left = [...this.#slots.keys()].filter((index) => this.#slots[index]!.owner === owner);
    if (left.length === 0 && rest !== "damage") return undefined;
    const found = new Set(foundIn(pieces));
    const lost = left.map((index) => index + 1).filter((number) => !this.#isFound(number, found));
    return rest === "doubt" && lost.length === 0 ? undefined : this.#names(lost);
  }

  #isFound(number: number | undefined, found: ReadonlySet<number>): boolean {
    if (number === undefined) return false;
    return found.has(number) || this.#isFound(this.#slots[number - 1]!.within, found);
  }

  /** The names of the fragments that placeholders stand for. */
  #names(numbers: readonly number[]): string[] {
    const names = numbers.flatMap((number) => {
      const content = this.#slots[number - 1]?.content;
      if (content === undefined) return [];
      if ("fragment" in content) return [content.fragment.request.name];
      return this.#slots
        .filter(({ within }) => within === number)
        .flatMap((slot) =>
          "fragment" in slot.content ? [slot.content.fragment.request.name] : [],
        );
    });
    return [...new Set(names)];
  }

  #guests(): string[] {
    const outer = this.#outer;
    if (outer === undefined) return [];
    return outer.#marker === undefined
      ? outer.#guests()
      : [outer.#marker.serial, ...outer.#guests()];
  }
}

const STRANGER =
  "The page holds a fragment of another rendering, so that the context of its request was lost on " +
  "the way: a callback ran in the context of whoever filled its queue. Make it from a promise, " +
  "or bind it with AsyncResource.bind().";

function foundIn(pieces: Scan["pieces"]): number[] {
  return pieces.flatMap((piece) => (typeof piece === "string" ? [] : [piece.slot]));
}
