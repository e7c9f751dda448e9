// The routes: each asks a service and shows what it answers.
import { Router } from "@koa/router";
import type { ParameterizedContext } from "koa";
import type { DemoState } from "./activity.js";
import { cache } from "./cache.js";
import { packageDetails } from "./services/details.js";
import { inventory, sorted } from "./services/inventory.js";
import { forgetPackage } from "./services/packages.js";
import { dependencyTree } from "./services/tree.js";
import { show } from "./views.js";

export const router: Router<DemoState> = new Router<DemoState>();

router.get("/", async (ctx) => {
  const all = await inventory();
  const { packages, order } = sorted(all.packages, ctx.query["sort"]);
  await show(ctx, "list", "Installed packages", { ...all, packages, order });
});

router.get("/package{/@:scope}/:name{/v/:version}", async (ctx) => {
  const details = await packageDetails(nameIn(ctx.params), ctx.params["version"]);
  if (details !== undefined) await show(ctx, "package", details.manifest.name, details);
});

router.get("/tree{/@:scope}/:name{/v/:version}", async (ctx) => {
  const tree = await dependencyTree(nameIn(ctx.params), ctx.params["version"]);
  if (tree !== undefined) await show(ctx, "tree", `What ${tree.name} depends on`, tree);
});

router.post("/forget", async (ctx) => {
  await cache.clear();
  goBack(ctx);
});

router.post("/forget{/@:scope}/:name", async (ctx) => {
  await forgetPackage(nameIn(ctx.params));
  goBack(ctx);
});

function nameIn({ scope, name = "" }: Record<string, string>): string {
  return scope === undefined ? name : `@${scope}/${name}`;
}

function goBack(ctx: ParameterizedContext<DemoState>): void {
  ctx.status = 303;
  ctx.back("/");
}
