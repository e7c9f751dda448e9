// How long requests wait for another one whose end nobody knows.
import type { Lead } from "../claims.js";

/** How long others wait for what may never end, in milliseconds. */
const PATIENCE = 5000;

/** Lets others wait for a lead so long and no longer; gives what ends the counting of the time. */
export function freeAfterPatience(lead: Lead): () => void {
  const patience = setTimeout(() => lead.free(), PATIENCE);
  // Those who wait have connections, which keep the process alive.
  patience.unref();
  return () => clearTimeout(patience);
}
