declare module "koa-cash" {
  import type { Middleware } from "koa";

  export default function cash(options: {
    readonly get: (key: string) => unknown;
    readonly set: (key: string, value: unknown, maxAge?: number) => unknown;
    readonly [option: string]: unknown;
  }): Middleware;
}
