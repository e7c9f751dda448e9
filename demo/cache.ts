// The one cache that the demo's services share; `createApp` says where it keeps its values.
import { Cache } from "koa-caching";
import { modulesRoot } from "./root.js";

// Two installations may share a store: each has a namespace.
export const cache: Cache = new Cache({
  namespace: `koa-caching-demo ${modulesRoot}`,
  timeout: "10m",
});
