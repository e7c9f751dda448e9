// The tour: asks for a few pages twice and shows what the cache made of it.
import { milliseconds } from "./format.js";

const PATHS = [
  "/",
  "/package/koa",
  "/package/@koa/router",
  "/package/marked",
  "/tree/koa",
  "/tree/supertest",
] as const;

interface Visit {
  readonly status: number;
  readonly took: number;
  readonly hits: number;
}

/** Takes the tour and prints a table; tells whether every page was there both times. */
export async function takeTour(origin: string, print: (line: string) => void): Promise<boolean> {
  const rows = [["path", "first", "second", "hits"]];
  let complete = true;
  for (const path of PATHS) {
    // One page after the other, so that the times are those of a single visitor.
    // oxlint-disable-next-line no-await-in-loop
    const [first, second] = [await visit(origin + path), await visit(origin + path)];
    complete &&= first.status === 200 && second.status === 200;
    rows.push([path, timing(first), timing(second), String(second.hits)]);
  }
  for (const line of table(rows)) print(line);
  return complete;
}

async function visit(url: string): Promise<Visit> {
  const startedAt = performance.now();
  const response = await fetch(url);
  await response.text();
  const took = performance.now() - startedAt;
  const hits = /hits;desc="(\d+)"/.exec(response.headers.get("Server-Timing") ?? "");
  return { status: response.status, took, hits: Number(hits?.[1] ?? 0) };
}

function timing({ status, took }: Visit): string {
  return status === 200 ? milliseconds(took) : `error ${status}`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join("  "),
  );
}
