import { expect } from "chai";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load, locate } from "../../src/store/packages.js";

describe("a package", () => {
  const home = process.cwd();
  let directory: string;
  beforeEach(() => {
    directory = realpathSync(mkdtempSync(join(tmpdir(), "koa-caching-")));
  });
  afterEach(() => {
    process.chdir(home);
    rmSync(directory, { recursive: true });
  });

  it("is found beside this library", async () => {
    const module = await load<{ Keyv: unknown }>(locate("keyv")!);
    expect(module.Keyv).to.be.a("function");
  });

  it("is found where the application has it", async () => {
    const installed = join(directory, "node_modules", "@spec", "only-theirs");
    mkdirSync(installed, { recursive: true });
    writeFileSync(join(installed, "package.json"), '{"name":"@spec/only-theirs","main":"main.js"}');
    writeFileSync(join(installed, "main.js"), "exports.answer = 42;");
    expect(locate("@spec/only-theirs")).to.equal(undefined);
    process.chdir(directory);
    const module = await load<{ answer: number }>(locate("@spec/only-theirs")!);
    expect(module.answer).to.equal(42);
  });
});
