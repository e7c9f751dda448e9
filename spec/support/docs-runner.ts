// Runs the examples of the documentation, one after the other, and tells how each one ended.
import { pathToFileURL } from "node:url";

const tell = process.stdout.write.bind(process.stdout);

/** What an example says is nobody's business, but what it asserts is. */
for (const method of ["log", "info", "warn", "error", "table", "dir"] as const) {
  console[method] = () => undefined;
}
let failed: string | undefined;
console.assert = (holds: unknown, ...rest: unknown[]) => {
  if (!holds) failed ??= `an assertion failed ${rest.join(" ")}${place()}`;
};

/** Where in the example an assertion stands. */
function place(): string {
  const line = new Error().stack?.split("\n").find((frame) => frame.includes(".md."));
  return ` ${line?.trim() ?? ""}`;
}

for (const file of process.argv.slice(2)) {
  failed = undefined;
  try {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await import(pathToFileURL(file).href);
  } catch (error) {
    failed ??= error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  tell(`${JSON.stringify({ file, failed })}\n`);
}
