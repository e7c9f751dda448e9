// Starts the demo: `npm run demo`, or `npm run demo -- --tour` to see it work and end. The
// environment may say CACHE_URL (`redis://…`), PORT, and DEMO_MODULES, a folder of packages.
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createApp } from "./app.js";
import { cache } from "./cache.js";
import { takeTour } from "./tour.js";

const tour = process.argv.includes("--tour");
const store = process.env["CACHE_URL"] || "memory:";
const app = createApp({ store, log: tour ? () => {} : console.log });
const server = app.listen(tour ? 0 : Number(process.env["PORT"] ?? 3000), "127.0.0.1");

server.once("error", (error) => {
  console.error(`The demo could not start: ${error.message}. Another PORT=… may be free.`);
  process.exitCode = 1;
});
server.once("listening", () => {
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (tour) void takeTourOnce(origin);
  else console.log(`The demo is at ${origin}; values are kept in ${describe(store)}.`);
});
process.once("SIGINT", () => void stop(server));
process.once("SIGTERM", () => void stop(server));

async function takeTourOnce(origin: string): Promise<void> {
  try {
    if (!(await takeTour(origin, console.log))) process.exitCode = 1;
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
  await stop(server);
}

async function stop(running: Server): Promise<void> {
  running.close();
  running.closeAllConnections();
  await cache.close();
}

function describe(url: string): string {
  return url === "memory:" ? "memory" : new URL(url).protocol.replace(/:$/, "");
}
