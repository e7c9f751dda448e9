// What the adapter uses of Handlebars, by shape: no types of another package are needed.

/** A Handlebars instance: `Handlebars.create()`, the default export, or an integration's. */
export interface HandlebarsInstance {
  readonly VERSION: string;
  readonly helpers: object;
  readonly partials: object;
  registerHelper(name: string, helper: (...args: any[]) => any): void;
}

/** A compiled template. */
export type CompiledTemplate = (context: any, options?: any) => unknown;

/** The inside of a Handlebars instance; the compiler is absent from the runtime-only build. */
export interface Environment {
  readonly VERSION: string;
  readonly helpers: Record<string, unknown>;
  readonly partials: Record<string, unknown>;
  readonly VM: { readonly noop: unknown };
  registerHelper(name: string, helper: Helper): void;
  unregisterHelper(name: string): void;
  template: (specification: Specification, ...rest: unknown[]) => CompiledTemplate;
  compile?: (input: unknown, ...rest: unknown[]) => CompiledTemplate;
  parse?: (input: unknown, ...rest: unknown[]) => Node;
}

export type Helper = (this: unknown, ...args: unknown[]) => unknown;

/** A compiled template before it is made a function. */
export interface Specification {
  readonly main: (container: Container, ...rest: unknown[]) => unknown;
  readonly [part: string]: unknown;
}

/** The state of a compiled template, of which there is one for all its calls. */
export interface Container extends ContainerFields {
  /** Gives a promise where Handlebars was extended to wait for its helpers. */
  invokePartial: (
    partial: unknown,
    context: unknown,
    options: PartialOptions,
  ) => string | Promise<string>;
}

/** What each call of a template sets anew in its container. */
export interface ContainerFields {
  helpers: unknown;
  partials: Record<string, unknown> | undefined;
  decorators: unknown;
  hooks: unknown;
  protoAccessControl: unknown;
}

export interface PartialOptions {
  indent?: string | undefined;
}

/** What a helper gets as its last argument. */
export interface HelperOptions {
  readonly hash: Record<string, unknown>;
  readonly data: DataFrame | undefined;
  readonly loc: Location | undefined;
  readonly fn: CompiledTemplate | undefined;
  readonly inverse: CompiledTemplate | undefined;
}

/** The variables of a block that begin with `@`; `_parent` is the block around it. */
export interface DataFrame {
  readonly _parent?: DataFrame | undefined;
}

/** Where in its source something stands; `source` is there for templates compiled with `srcName`. */
export interface Location {
  readonly source?: string | undefined;
  readonly start: { readonly line: number; readonly column: number };
}

/** A node of a parsed template. */
export interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}
