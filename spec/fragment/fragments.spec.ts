import FakeTimers, { type Clock } from "@sinonjs/fake-timers";
import { expect } from "chai";
import { FragmentError, OptionError } from "../../src/errors.js";
import type { FragmentOptions } from "../../src/fragment/arguments.js";
import { memoryFragments } from "../support/fragment-backend.js";

const later = <T>(value: T): Promise<T> =>
  new Promise((resolve) => setImmediate(() => resolve(value)));

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    (value) => expect.fail(`resolved to ${String(value)}`),
    (error: Error) => error,
  );
}

describe("fragment()", () => {
  let clock: Clock;
  beforeEach(() => {
    clock = FakeTimers.install({ toFake: ["Date"] });
  });
  afterEach(() => {
    clock.uninstall();
  });

  it("renders once, and gives what it rendered", async () => {
    const { fragments, backend } = memoryFragments();
    let runs = 0;
    const side = (varyOn?: string[]) =>
      fragments.fragment("side", { timeout: 9, varyOn }, () => later(`side ${(runs += 1)}`));
    expect([await side(), await side(), await side(["a"])]).to.eql(["side 1", "side 1", "side 2"]);
    expect([...backend.entries.keys()]).to.eql(["fragment/side", "fragment/side:a"]);
    clock.tick(9001);
    expect(await side()).to.equal("side 3");
  });

  it("runs one render for all that ask at the same time", async () => {
    const { fragments, backend } = memoryFragments();
    let runs = 0;
    const ask = () => fragments.fragment("f", {}, () => later(`f${(runs += 1)}`));
    expect(new Set(await Promise.all(Array.from({ length: 50 }, ask)))).to.eql(new Set(["f1"]));
    expect({ runs, writes: backend.writes.length }).to.eql({ runs: 1, writes: 1 });
  });

  it("shares the failure of a render, stores nothing, and renders again", async () => {
    const { fragments, backend } = memoryFragments();
    let runs = 0;
    const ask = () =>
      fragments.fragment("f", {}, async () => {
        runs += 1;
        throw new Error("broken");
      });
    const errors = await Promise.all([failure(ask()), failure(ask())]);
    expect(errors[0])
      .to.equal(errors[1])
      .and.to.include({ message: "broken", fragment: "fragment/f" });
    expect({ runs, entries: backend.entries.size }).to.eql({ runs: 1, entries: 0 });
    await failure(ask());
    expect(runs).to.equal(2);
  });

  it("renders where it is asked for itself within itself", async () => {
    const { fragments } = memoryFragments();
    const ask = (depth: number): Promise<string> =>
      fragments.fragment("f", {}, async () => `<${depth === 0 ? "" : await ask(depth - 1)}>`);
    expect(await ask(2)).to.equal("<<<>>>");
  });

  it("holds other fragments and passes on their tags", async () => {
    const { fragments, backend } = memoryFragments();
    const inner = () => fragments.fragment("in", { tags: "i" }, () => "in");
    const outer = (name: string) =>
      fragments.fragment(name, { tags: ["o"] }, async () => `<${await inner()}>`);
    expect(await backend.collect(() => outer("a"))).to.eql(["i", "o"]);
    expect(await backend.collect(() => outer("a"))).to.eql(["i", "o"]);
    expect(await backend.collect(() => outer("b"))).to.eql(["i", "o"]);
    backend.invalidate("i");
    expect(backend.entries.size).to.equal(0);
  });

  it("serves the stale text and renders anew in the background, once", async () => {
    const { fragments, backend } = memoryFragments();
    let runs = 0;
    const options: FragmentOptions = { timeout: 9, staleWhileRevalidate: 60 };
    const ask = () => fragments.fragment("f", options, () => later(`f${(runs += 1)}`));
    await ask();
    clock.tick(10_000);
    expect(await Promise.all([ask(), ask(), ask()])).to.eql(["f1", "f1", "f1"]);
    await later(undefined);
    await later(undefined);
    expect({ runs, text: backend.entries.get("fragment/f")?.text }).to.eql({ runs: 2, text: "f2" });
    expect(await ask()).to.equal("f2");
  });

  it("keeps the stale text when rendering anew fails in the background", async () => {
    const { fragments, backend } = memoryFragments();
    const options: FragmentOptions = { timeout: 9, staleWhileRevalidate: 60 };
    let broken = false;
    const ask = () =>
      fragments.fragment("f", options, () => {
        if (broken) throw new Error("broken");
        return "f";
      });
    await ask();
    broken = true;
    clock.tick(10_000);
    expect(await ask()).to.equal("f");
    await later(undefined);
    expect(backend.failures.map(String)).to.eql(["Error: broken"]);
    expect(await ask()).to.equal("f");
  });

  it("serves the text that may be stale if rendering fails", async () => {
    const { fragments, backend } = memoryFragments();
    let broken = false;
    const ask = () =>
      fragments.fragment("f", { timeout: 9, staleIfError: 60 }, () => {
        if (broken) throw new Error("broken");
        return "f";
      });
    await ask();
    broken = true;
    clock.tick(10_000);
    expect(await ask()).to.equal("f");
    expect(backend.failures).to.have.length(1);
    clock.tick(60_000);
    expect((await failure(ask())).message).to.equal("broken");
  });

  it("is deleted, left alone, or kept for ever, as the timeout says", async () => {
    const { fragments, backend } = memoryFragments();
    let runs = 0;
    const ask = (timeout: FragmentOptions["timeout"]) =>
      fragments.fragment("f", { timeout }, () => `f${(runs += 1)}`);
    expect(await ask(0)).to.equal("f1");
    clock.tick(1e12);
    expect(await ask(0)).to.equal("f1");
    expect(await ask(false)).to.equal("f2");
    expect(await ask(null)).to.equal("f1");
    expect(await ask("del")).to.equal("f3");
    expect(backend.entries.size).to.equal(0);
    expect(backend.writes).to.eql([["fragment/f"]]);
  });

  it("refuses what is no name, option or text, and says so", async () => {
    const { fragments } = memoryFragments();
    const ask = (name: unknown, options: object, text: unknown = "t") =>
      failure(fragments.fragment(name as string, options, () => text as string));
    expect(await ask("", {})).to.be.instanceOf(OptionError);
    expect((await ask("f", { vary: [] })).message).to.match(/no option "vary".*varyOn/);
    expect((await ask("f", { timeout: "soon" })).message).to.match(/timeout of the fragment "f"/);
    expect((await ask("f", { tags: [""] })).message).to.match(/tags of the fragment "f"/);
    expect((await ask("f", { staleIfError: -1 })).message).to.match(/staleIfError/);
    expect(await ask("f", {}, 7)).to.be.instanceOf(FragmentError);
    expect((await ask("f", {}, null)).message).to.match(/"f" must be rendered to text; got null/);
  });

  it("is not exposed by a tag of its name", async () => {
    const { fragments } = memoryFragments();
    fragments.expose(["f"]);
    expect(await fragments.fragment("f", {}, () => "f")).to.equal("f");
  });
});

describe("a rendering", () => {
  it("must be a function that gives text", async () => {
    const { fragments } = memoryFragments();
    expect(await failure(fragments.render("text" as never))).to.be.instanceOf(OptionError);
    const error = await failure(fragments.render(() => ({}) as string));
    expect(error).to.be.instanceOf(FragmentError);
    expect(error.message).to.match(/must give text.*got an object/);
  });

  it("gives its own error, and ends", async () => {
    const { fragments } = memoryFragments();
    const error = new Error("mine");
    expect(await failure(fragments.render(() => Promise.reject(error)))).to.equal(error);
    expect(fragments.scope()).to.equal(undefined);
  });

  it("does not wait in a circle of three", async () => {
    const { fragments } = memoryFragments();
    const ask = (names: readonly string[]): Promise<string> => {
      const [name, ...rest] = names;
      if (name === undefined) return later("");
      return fragments.fragment(name, {}, async () => `${name}${await later(rest).then(ask)}`);
    };
    const pages = await Promise.all([
      ask(["a", "b", "c"]),
      ask(["b", "c", "a"]),
      ask(["c", "a", "b"]),
    ]);
    expect(pages.map((page) => page[0])).to.eql(["a", "b", "c"]);
  });

  it("warns once of a fragment that something changes, and not of too many", () => {
    const { fragments, warnings } = memoryFragments();
    fragments.expose(["a"]);
    fragments.expose(["a"]);
    fragments.expose([]);
    expect(warnings).to.have.length(1);
    for (let index = 0; index < 2000; index += 1) fragments.expose([`n${index}`]);
    expect(warnings).to.have.length(1000);
    expect(fragments.isExposed("n1999")).to.equal(false);
  });
});
