// The options of pages and of views, checked where they are written and settled once.
import type { Context, ExtendableContext } from "koa";
import { OptionError, show } from "../errors.js";
import type { Engine } from "../engine.js";
import type { Entry } from "../entry.js";
import {
  CALL_OPTIONS,
  callable,
  settleRules,
  type AnyFunction,
  type Awaitable,
  type CallOptions,
  type Rules,
} from "../rules.js";
import type { Counts } from "../stats.js";
import type { QueryRule } from "./key.js";
import { POLICY_OPTIONS, settlePolicy, type Policy, type PolicyOptions } from "./policy.js";
import { Uncacheable } from "./uncacheable.js";

/** A response as the callables of a page are given it. */
export interface PageResult {
  readonly status: number;
  /** Fields by lower-case name. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Text, a value of JSON, `null`, or the bytes of anything else. */
  readonly body: unknown;
}

type Answer<Ctx = Context> = (ctx: Ctx) => PageResult;

/** What the callables of an option are asked about: a handler's response, else a function's result. */
export type Asked<F extends AnyFunction> =
  Parameters<F> extends [infer First extends ExtendableContext, ...unknown[]]
    ? 0 extends 1 & First
      ? F
      : Answer<First>
    : F;

/** Options of pages, whether they are middleware or views. */
export interface ResponseOptions extends PolicyOptions {
  /**
   * Which parameters of the query are part of the key: all, none, or those named.
   * @default true
   */
  readonly query?: QueryRule | undefined;
}

/** Options of `page()`. Its callables are given Koa's context. */
export interface PageOptions extends Omit<CallOptions<Answer>, "copy">, ResponseOptions {
  /**
   * The name of the page, by which it is deleted: text, in which every `%s` is replaced by the path
   * of the request, or a callable that is given Koa's context. The whole value of what it reads, a
   * cookie or the user, is then part of the key. Scheme, host, path, query and `Vary` still select
   * within the name.
   * @default "page/%s"
   */
  readonly keyPrefix?: string | ((ctx: Context) => Awaitable<string>) | undefined;
}

/** The names of the options that only responses have. */
export const RESPONSE_OPTIONS: readonly string[] = [...POLICY_OPTIONS, "query"];

/** The names of all options of `page()`. */
export const PAGE_OPTIONS: readonly string[] = [
  ...CALL_OPTIONS.filter((name) => name !== "copy"),
  ...RESPONSE_OPTIONS,
  "keyPrefix",
];

/** The options that only responses have, settled. */
export interface ResponseRules {
  readonly policy: Policy;
  readonly query: QueryRule;
}

/** A page or a view: everything about it that no request changes. */
export interface PagePlan extends ResponseRules {
  readonly engine: Engine;
  /** The name in events. */
  readonly name: string;
  /** Keeps pages under one default name apart. */
  readonly owner: string | undefined;
  readonly keyPrefix: string | AnyFunction;
  readonly rules: Rules;
  readonly counts: Counts;
  /** Whether what has no lifetime of its own lives for the cache's default timeout. */
  readonly hasDefault: boolean;
  readonly uncacheable: Uncacheable;
  /** Pages within reach of the next request for the same URL. */
  readonly table: Map<unknown, Entry>;
}

/** @throws {OptionError} for a value that an option cannot have. */
export function settleResponse(options: ResponseOptions): ResponseRules {
  return { policy: settlePolicy(options), query: settleQuery(options.query) };
}

function settleQuery(query: unknown): QueryRule {
  if (query === undefined) return true;
  const isNames = Array.isArray(query) && query.every((name) => typeof name === "string");
  if (typeof query === "boolean" || isNames) return query;
  throw new OptionError(
    `query must be true, false or a list of parameter names; got ${show(query)}.`,
  );
}

/** @throws {OptionError} for a prefix that is neither text nor a function. */
export function settleKeyPrefix(keyPrefix: unknown): string | AnyFunction {
  if (typeof keyPrefix === "string" && keyPrefix !== "") return keyPrefix;
  if (typeof keyPrefix === "function") return callable(keyPrefix, "keyPrefix")!;
  throw new OptionError(
    `keyPrefix must be a non-empty text, with or without %s, or a function that gives the key; ` +
      `got ${show(keyPrefix)}.`,
  );
}

const DEFAULT_PREFIX = "page/%s";

/** The plan of a middleware. */
export function planPage(engine: Engine, options: PageOptions): PagePlan {
  const { keyPrefix = DEFAULT_PREFIX } = options;
  const name = "page";
  engine.hasPages = true;
  return {
    ...settleResponse(options),
    engine,
    name,
    owner: keyPrefix === DEFAULT_PREFIX ? `${name}#${engine.ordinal(name)}` : undefined,
    keyPrefix: settleKeyPrefix(keyPrefix),
    rules: settleRules(options as CallOptions),
    counts: engine.stats.of(name),
    hasDefault: false,
    uncacheable: new Uncacheable(),
    table: new Map(),
  };
}
