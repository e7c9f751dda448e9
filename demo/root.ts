// The folder with the packages that the demo shows.
import { resolve } from "node:path";

/** `node_modules`, or another folder like it. */
export const modulesRoot: string = resolve(process.env["DEMO_MODULES"] ?? "node_modules");
