// The request being served: entered once by the middleware, found again anywhere beneath it.
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import Koa, { type Context, type Middleware, type Next } from "koa";
import { OptionError, RequestContextError, show } from "../errors.js";
import { frames, type Frame, type RequestScope } from "../scope.js";

/**
 * The Koa context of the request being served.
 *
 * @throws {RequestContextError} outside of a request.
 */
export function currentContext(): Context {
  const context = tryCurrentContext();
  if (context === undefined) throw new RequestContextError("currentContext()");
  return context;
}

/** The Koa context of the request being served, or `undefined` outside of a request. */
export function tryCurrentContext(): Context | undefined {
  return frames.getStore()?.request?.context as Context | undefined;
}

/**
 * Runs a function as if a request for a path were being served: for jobs, scripts and tests. From
 * Flask's `test_request_context`.
 *
 * @param where a path (`"/posts"`, a query may follow) or a Koa context
 * @returns what the function returns
 * @throws {OptionError} for anything else
 * @example
 * await runInRequestContext("/posts", () => listPosts());
 */
export function runInRequestContext<T>(where: string | Context, run: () => T): T {
  const context = typeof where === "string" ? contextFor(where) : where;
  if (typeof context?.originalUrl !== "string") throw new OptionError(expected(where));
  if (typeof run !== "function") {
    throw new OptionError(`runInRequestContext() runs a function; got ${show(run)}.`);
  }
  return frames.run(frameOf(context, frames.getStore()), run);
}

/** The middlewares that install the request context. */
const entering = new WeakSet<object>();

/** Whether a middleware does nothing but install the request context. */
export function isRequestContext(middleware: object): boolean {
  return entering.has(middleware);
}

/**
 * Makes a middleware that installs the request context; however often that is installed, it is
 * entered once. `choose` gives what runs inside for a request.
 */
export function requestContext(choose: (context: Context, next: Next) => Next): Middleware {
  const middleware = (context: Context, next: Next): Promise<void> => {
    const run = choose(context, next);
    const around = frames.getStore();
    if (around?.request?.context === context) return run();
    return frames.run(frameOf(context, around), run);
  };
  entering.add(middleware);
  return middleware as Middleware;
}

/** The request that a call belongs to. */
export function currentRequest(): RequestScope | undefined {
  return frames.getStore()?.request;
}

function frameOf(context: Context, around: Frame | undefined): Frame {
  return { request: scopeOf(context), scope: around?.scope, rendering: around?.rendering };
}

function scopeOf(context: Context): RequestScope {
  return { context, path: pathOf(context.originalUrl) };
}

/** The path of a request target as the client sent it, without the query. */
export function pathOf(target: string): string {
  const end = target.indexOf("?");
  const path = end === -1 ? target : target.slice(0, end);
  return path.startsWith("/") ? path : afterAuthority(path);
}

/** The path of an absolute-form target (RFC 9112, section 3.2.2), which proxies send. */
function afterAuthority(target: string): string {
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/[^/]*(\/.*)?$/i.exec(target);
  return absolute === null ? target : (absolute[1] ?? "/");
}

let application: Koa | undefined;

function contextFor(path: string): Context {
  if (!path.startsWith("/")) throw new OptionError(expected(path));
  const request = new IncomingMessage(new Socket());
  request.method = "GET";
  request.url = path;
  return (application ??= new Koa()).createContext(request, new ServerResponse(request));
}

function expected(got: unknown): string {
  return (
    `runInRequestContext() takes a path that starts with "/", such as "/posts", ` +
    `or a Koa context; got ${show(got)}.`
  );
}
