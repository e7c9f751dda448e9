import { expect } from "chai";
import {
  closeMarker,
  openMarker,
  placeholder,
  scan,
  type Scan,
} from "../../src/fragment/placeholder.js";

describe("placeholders", () => {
  it("are found whole, wherever they stand", () => {
    const marker = openMarker();
    const [one, two] = [placeholder(marker, 1), placeholder(marker, 20)];
    const [first, second] = [1, 20].map((slot) => ({ slot, trimStart: false, trimEnd: false }));
    expect(scan(`a${one}${two}b${one}`, marker, [])).to.eql({
      pieces: ["a", first, "", second, "b", first, ""],
      broken: [],
      rest: "nothing",
    });
    expect(scan("", marker, [])).to.eql({ pieces: [""], broken: [], rest: "nothing" });
    closeMarker(marker);
  });

  it("tell that they were trimmed, each at its own end", () => {
    const marker = openMarker();
    const [one, two] = [placeholder(marker, 1), placeholder(marker, 2)];
    const trims = (text: string) =>
      scan(text, marker, []).pieces.flatMap((piece) =>
        typeof piece === "string" ? [] : [[piece.trimStart, piece.trimEnd]],
      );
    expect(trims(one.trim() + two)).to.eql([
      [true, true],
      [false, false],
    ]);
    expect(trims(one + two.trim())).to.eql([
      [false, false],
      [true, true],
    ]);
    expect(trims(one.trimStart() + two.trimEnd())).to.eql([
      [true, false],
      [false, true],
    ]);
    closeMarker(marker);
  });

  const changes: readonly [string, (text: string) => string][] = [
    ["escaping <", (text) => text.replaceAll("<", "&lt;")],
    ["escaping >", (text) => text.replaceAll(">", "&gt;")],
    ["JSON", (text) => JSON.stringify(text)],
    ["URL encoding", encodeURIComponent],
    ["upper case", (text) => text.toUpperCase()],
    ["lower case", (text) => text.toLowerCase()],
    ["collapsing blanks", (text) => text.replaceAll(/\s+/g, " ")],
    ["collapsing spaces", (text) => text.replaceAll(/ +/g, " ")],
    ["stripping tags", (text) => text.replaceAll(/<\/?([a-z][a-z0-9]*)\b[^>]*>/gi, "")],
    ["stripping newlines", (text) => text.replaceAll("\n", "")],
    ["stripping control characters", (text) => text.replaceAll(/\p{Cc}/gu, "")],
    ["other line ends", (text) => text.replaceAll("\n", "\r\n")],
    ["expanding tabs", (text) => text.replaceAll("\t", "  ")],
    ["indenting", (text) => text.replaceAll("\n", "\n  ")],
    ["reversing", (text) => text.split("").toReversed().join("")],
    ["dashes", (text) => text.replaceAll("--", "–")],
    ["an ellipsis", (text) => text.replaceAll("...", "…")],
    ["links", (text) => text.replaceAll(/http:\S+/g, "<a>$&</a>")],
    ["entities", (text) => text.replaceAll(/[\x80-\xff]/g, "&#x;")],
    ["cutting the end", (text) => text.slice(0, 30)],
    ["cutting the start", (text) => text.slice(30)],
    ["cutting almost all", (text) => text.slice(0, 4)],
    ...Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index))
      .filter((character) => !/\d/.test(character))
      .map((character): [string, (text: string) => string] => [
        `replacing ${character}`,
        (text) => text.replaceAll(character, "\u00a4"),
      ]),
  ];
  it("are broken by everything that changes them", () => {
    const marker = openMarker();
    const harm: Scan["rest"][] = ["damage", "cut", "doubt"];
    for (const [name, change] of changes) {
      const changed = change(`x ${placeholder(marker, 1)} y`);
      const { pieces, rest } = scan(changed, marker, []);
      expect(harm, name).to.include(rest);
      expect(pieces, name).to.have.length(1);
    }
    closeMarker(marker);
  });

  it("are not to be guessed", () => {
    const [one, other] = [openMarker(), openMarker()];
    expect(one.serial)
      .to.match(/^\d{20}$/)
      .and.to.not.equal(other.serial);
    expect(one.text.slice(0, 20)).to.equal(other.text.slice(0, 20));
    closeMarker(one);
    closeMarker(other);
  });

  it("of other renderings are strangers, while these are under way or were with this one", () => {
    const [own, other] = [openMarker(), openMarker()];
    const strange = placeholder(other, 1);
    expect(scan(strange, own, []).rest).to.equal("stranger");
    expect(scan(strange, undefined, []).rest).to.equal("stranger");
    expect(scan(strange, own, [other.serial]).rest).to.equal("guest");
    closeMarker(other);
    expect(scan(strange, own, []).rest).to.equal("stranger");
    closeMarker(own);
    const next = openMarker();
    expect(scan(strange, next, []).rest).to.equal("guest");
    closeMarker(next);
  });

  it("are told from characters of the text", () => {
    const marker = openMarker();
    expect(scan("a\vb", marker, []).rest).to.equal("doubt");
    expect(scan("a\f", marker, []).rest).to.equal("doubt");
    expect(scan("a", marker, []).rest).to.equal("nothing");
    closeMarker(marker);
  });
});
