// The README of a package, rendered.
import type { Dirent } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Wrapper } from "koa-caching";
import { cache } from "../cache.js";
import { modulesRoot } from "../root.js";
import { entriesOf, packageTag } from "./folders.js";
import { markdownHtml, plainHtml } from "./markdown.js";

// Rendering blocks the process, so that no package may make it last.
const LONGEST = 200_000;

/** The README of a package folder as harmless HTML; `undefined` when there is none. */
export const readmeOf: Wrapper<typeof renderReadme> = cache.cached(
  {
    keyPrefix: (folder: string) => `readme/${folder}`,
    tags: (_html, folder) => [packageTag(folder)],
  },
  renderReadme,
);

/** The best README among the files of a folder: Markdown before plain text; links never. */
export function chooseReadme(entries: readonly Dirent[]): string | undefined {
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const readmes = names.filter((name) => /^readme(\.(md|markdown|txt|rst))?$/i.test(name));
  return readmes.find(isMarkdown) ?? readmes[0];
}

async function renderReadme(folder: string): Promise<string | undefined> {
  const file = chooseReadme(await entriesOf(folder));
  return file === undefined ? undefined : renderFile(folder, file);
}

async function renderFile(folder: string, file: string): Promise<string> {
  const text = await readFile(join(modulesRoot, folder, file), "utf8");
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text;
  return isMarkdown(file) ? markdownHtml(short) : plainHtml(short);
}

function isMarkdown(name: string): boolean {
  return /\.(md|markdown)$/i.test(name);
}
