// A fence site in a process of its own, driven by messages from the spec.
import { FenceSite } from "./fence-site.js";

/** A message: its number, what to do, and with what. */
export type Message = readonly [id: number, what: string, argument: string];

const site = new FenceSite({ store: process.argv[2], namespace: "fence" });

process.on("message", ([id, what, argument]: Message) => {
  answer(what, argument).then(
    (value) => process.send!([id, value]),
    (error: unknown) => process.send!([id, `failed: ${String(error)}`]),
  );
});

async function answer(what: string, argument: string): Promise<string | undefined> {
  if (what === "begin") await site.begin(argument);
  if (what === "release") return site.release();
  if (what === "call") return site.call(argument);
  if (what === "forget") await site.forget(argument);
  if (what === "value") site.value = argument;
  if (what === "idle") await site.cache.idle();
  // Whoever asked the store before has his answer when this one comes.
  if (what === "look") await site.cache.has("nothing");
  if (what === "close") await site.cache.close();
  return undefined;
}

process.send!("ready");
