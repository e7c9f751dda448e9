// A process that opens a store, closes it, and is to end by itself.
import { openStore } from "../../src/store/open.js";
import { openingOptions } from "./opening.js";

const [url, mode, timeout] = process.argv.slice(2);
const store = openStore(
  openingOptions({
    store: url,
    strict: false,
    storeTimeout: Number(timeout),
    report: () => undefined,
  }),
);
if (mode === "used") {
  const { failed } = await store.read(["k"], []);
  console.log(failed ? "failed" : "read");
} else if (mode === "connecting") {
  void store.read(["k"], []);
}
await store.close();
console.log("closed");
