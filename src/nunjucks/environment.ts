// What the adapter uses of Nunjucks, by shape: no types of another package are needed.

/** A Nunjucks environment, as `nunjucks.configure()` or an integration makes it. */
export interface NunjucksEnvironment {
  addExtension(name: string, extension: any): unknown;
  removeExtension(name: string): void;
  render(name: string, context: object, callback: (...args: any[]) => any): unknown;
  renderString: (source: string, context: object, callback: (...args: any[]) => any) => unknown;
}

/** The inside of an environment. */
export interface Environment {
  readonly opts: {
    readonly dev?: boolean;
    readonly tags?: Readonly<
      Record<"blockStart" | "blockEnd" | "variableStart" | "variableEnd", string | undefined>
    >;
  };
  readonly extensionsList: readonly { readonly tags?: readonly string[] }[];
  getExtension(name: string): unknown;
  getTemplate(
    name: string,
    eager: boolean,
    parent: string | undefined,
    ignoreMissing: boolean,
    callback: (error: unknown, template?: Template) => void,
  ): unknown;
}

/** A template: its source, or for a precompiled one its functions. */
export interface Template {
  readonly path?: string | undefined;
  readonly tmplStr?: string;
  readonly tmplProps?: Readonly<Record<string, unknown>>;
}

/** The variables of a running template. */
export interface Context {
  readonly env: Environment;
  ctx: Record<string, unknown>;
  setVariable: (name: string, value: unknown) => void;
}

/** A scope, when a template runs or when it is compiled. */
export interface Frame {
  readonly variables: Record<string, unknown>;
  readonly parent: Frame | undefined;
  readonly isolateWrites: boolean | undefined;
  topLevel: boolean;
  push(isolateWrites?: boolean): Frame;
}

/** What compiled templates call. */
export interface Runtime {
  handleError(error: unknown, line: number, column: number): Error & { Update?: unknown };
}

/** The constructors of the syntax tree. */
export interface Nodes {
  readonly [name: string]: NodeClass;
}

export interface NodeClass {
  new (...args: unknown[]): Node;
  extend(name: string, members: object): NodeClass;
  readonly prototype: Node;
}

export interface Node {
  readonly typename: string;
  readonly lineno: number;
  readonly colno: number;
  readonly children: Node[];
  readonly value: unknown;
  addChild(child: Node): void;
}

export interface Token {
  readonly type: string;
  readonly value: string;
  readonly lineno: number;
  readonly colno: number;
}

export interface Parser {
  readonly tokens: { readonly str: string; readonly tags: Readonly<Record<string, string>> };
  nextToken(): Token;
  peekToken(): Token | null;
  skip(type: string): boolean;
  skipValue(type: string, value: string): boolean;
  parseExpression(): Node;
  parseUntilBlocks(...names: string[]): Node;
  advanceAfterBlockEnd(name?: string): Token;
  fail(message: string, line: number, column: number): never;
}

export interface Lexer {
  readonly TOKEN_BLOCK_END: string;
  readonly TOKEN_COMMA: string;
  readonly TOKEN_OPERATOR: string;
}

/** The compiler, as far as one node needs it. */
export interface Compiler {
  readonly codebuf: string[];
  readonly templateName: string | null | undefined;
  readonly buffer: string;
  readonly inBlock: boolean;
  compile(node: Node, frame: Frame): void;
  _compileExpression(node: Node, frame: Frame): void;
  _emit(code: string): void;
  _pushBuffer(): string;
  _popBuffer(): void;
  _withScopedSyntax(compile: () => void): void;
}
