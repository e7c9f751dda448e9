import { execFile } from "node:child_process";
import {
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const DOCS = [
  "README.md",
  ...readdirSync(join(ROOT, "docs")).map((name) => join("docs", name)),
].filter((name) => name.endsWith(".md"));

/** A block of code between "```ts" and "```". */
interface Example {
  readonly doc: string;
  /** The line of the opening fence, counted from 1. */
  readonly line: number;
  /** Why it is not run; then it is only type-checked. */
  readonly unrun: string | undefined;
  readonly code: string;
}

/** The examples of a text. */
function examplesOf(doc: string): readonly Example[] {
  const text = readFileSync(join(ROOT, doc), "utf8");
  const blocks = text.matchAll(/^( *)```ts\b([^\n]*)\n(.*?)^ *```$/gms);
  return Array.from(blocks, ({ index, 1: indent, 2: info, 3: code }) => ({
    doc,
    line: text.slice(0, index).split("\n").length,
    unrun: /^\s*no-run\b(.*)$/.exec(info!)?.[1]?.trim(),
    code: code!.replaceAll(new RegExp(`^${indent!}`, "gm"), ""),
  }));
}

/** The file that an example is written to; its lines have the numbers that they have in the text. */
function fileOf(folder: string, { doc, line }: Example): string {
  return join(folder, `${doc.replaceAll(/[\\/]/g, ".")}.${line}.ts`);
}

function write(folder: string, examples: readonly Example[]): void {
  for (const example of examples) {
    writeFileSync(fileOf(folder, example), "\n".repeat(example.line) + example.code);
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"), "junction");
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const config = {
    extends: join(ROOT, "tsconfig.json"),
    compilerOptions: {
      moduleDetection: "force",
      paths: {
        "koa-caching": [join(ROOT, "src/index.ts")],
        "koa-caching/*": [join(ROOT, "src/*/index.ts")],
      },
      declaration: false,
      isolatedDeclarations: false,
      // These are this project's own manners, not its users'.
      erasableSyntaxOnly: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    include: [],
    files: examples.map((example) => fileOf(folder, example)),
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
}

/** What a program writes, whatever its exit code is. */
function outputOf(
  program: string,
  args: readonly string[],
): Promise<{ output: string; ended: boolean }> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd: ROOT, timeout: 90_000 }, (error, stdout, stderr) => {
      resolve({ output: stdout + stderr, ended: error?.killed !== true });
    });
  });
}

describe("the documentation", function () {
  this.timeout(120_000);
  const examples = DOCS.flatMap(examplesOf);
  const folder = mkdtempSync(join(tmpdir(), "koa-caching-docs-"));
  let typed: Promise<{ output: string; ended: boolean }>;
  let ran: Promise<{ output: string; ended: boolean }>;

  before(() => {
    write(folder, examples);
    const files = examples
      .filter(({ unrun }) => unrun === undefined)
      .map((example) => fileOf(folder, example));
    typed = outputOf(process.execPath, [
      join(ROOT, "node_modules/typescript/bin/tsc"),
      "-p",
      folder,
    ]);
    ran = outputOf(process.execPath, [
      "--import",
      "tsx/esm",
      join(ROOT, "spec/support/docs-runner.ts"),
      ...files,
    ]);
  });
  after(() => rmSync(folder, { recursive: true }));

  it("has examples", () => {
    expect(examples.length).to.be.above(5);
  });

  for (const example of examples) {
    const { doc, line, unrun } = example;
    it(`${doc}:${line} holds its types`, async () => {
      const { output } = await typed;
      const name = fileOf("", example);
      expect(output.split("\n").filter((text) => text.includes(name))).to.deep.equal([]);
    });
    if (unrun === undefined) {
      it(`${doc}:${line} runs, and what it asserts is true`, async () => {
        const { output } = await ran;
        const told = output
          .split("\n")
          .find((text) => text.includes(JSON.stringify(fileOf(folder, example))));
        expect(told, output).to.be.a("string");
        expect((JSON.parse(told!) as { failed?: string }).failed).to.equal(undefined);
      });
    } else {
      it(`${doc}:${line} says why it is not run`, () => {
        expect(unrun.length).to.be.above(5);
      });
    }
  }

  it("type-checks as a whole", async () => {
    expect((await typed).output).to.equal("");
  });

  it("leaves nothing open: the examples end by themselves", async () => {
    expect((await ran).ended).to.equal(true);
  });
});
