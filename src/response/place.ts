// Where in the application's own code something happens.
import { fileURLToPath } from "node:url";

/** The folder of this library, whose own frames are nobody's place. */
const OWN = fileURLToPath(new URL("..", import.meta.url));

const LOCATION = /(?:\(|at (?:async )?)((?:file:|\/|[A-Za-z]:)[^()]*:\d+:\d+)\)?$/;

/** File, line and column of the nearest frame outside of this library and of packages. */
export function applicationPlace(): string | undefined {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 40;
  const { stack = "" } = new Error("place");
  Error.stackTraceLimit = limit;
  return stack.split("\n").map(location).find(isApplication);
}

function location(frame: string): string {
  const found = LOCATION.exec(frame)?.[1] ?? "";
  return found.startsWith("file:") ? fileURLToPath(found) : found;
}

function isApplication(place: string): boolean {
  return place !== "" && !place.startsWith(OWN) && !/[\\/]node_modules[\\/]/.test(place);
}
