// The node of a fragment in Nunjucks' syntax tree, and the code that it becomes.
import type { Compiler, Frame, Node, NodeClass, Nodes } from "./environment.js";

/** What the compiled tag knows of itself. */
export interface TagInfo {
  /** The path of its template; absent for templates from text. */
  readonly template: string | undefined;
  /** Where it stands, counted from one. */
  readonly line: number;
  readonly column: number;
  /** The digest of its template's source, and the templates named in it. */
  readonly digest: string;
  readonly names: readonly string[];
  /** The template includes one whose name is computed. */
  readonly computed: boolean;
  /** The block uses `caller()`, which belongs to a template that goes on. */
  readonly eager: boolean;
}

interface FragmentNode extends Node {
  readonly extName: string;
  readonly prop: Omit<TagInfo, "template" | "eager">;
  readonly args: Node;
  readonly contentArgs: readonly [Node];
}

const TYPE = "KoaCachingFragment";
const IDENTIFIER = /[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/gu;

/**
 * The class of fragment nodes for one copy of Nunjucks. The compiler finds the method for a node by
 * the node's name; it is added to the class that all of Nunjucks' own classes derive from.
 */
export function fragmentClass(nodes: Nodes): NodeClass {
  const known = nodes[TYPE];
  if (known !== undefined) return known;
  const made = nodes["CallExtension"]!.extend(TYPE, {
    // Nunjucks looks for blocks with this, and for other nodes.
    findAll(this: FragmentNode, type: NodeClass, results: Node[] = []): Node[] {
      return collect([this.args, ...this.contentArgs], (node) => node instanceof type, results);
    },
  });
  (nodes as Record<string, NodeClass>)[TYPE] = made;
  const base = Object.getPrototypeOf(nodes["Node"]!.prototype) as object;
  const compile = function (this: Compiler, node: FragmentNode, frame: Frame): void {
    compileFragment(this, node, frame, nodes);
  };
  Object.defineProperty(base, `compile${TYPE}`, { value: compile, configurable: true });
  return made;
}

/** Whether a tree holds a node of a class. */
export function holds(tree: Node, type: NodeClass): boolean {
  return collect([tree], (node) => node instanceof type, []).length > 0;
}

function compileFragment(compiler: Compiler, node: FragmentNode, frame: Frame, nodes: Nodes): void {
  const [body] = node.contentArgs;
  const block = compileBlock(compiler, body, frame.push(true));
  const values = visibleIn(block, frame);
  const info: TagInfo = {
    ...node.prop,
    template: compiler.templateName ?? undefined,
    eager: usesCaller(body, nodes),
  };
  // A block at the top of a template that extends another one is not rendered there, but elsewhere.
  const elsewhere =
    !compiler.inBlock && holds(body, nodes["Block"]!) ? 'parentTemplate ? "" : ' : "";
  const emit = (code: string): void => compiler["_emit"](code);
  emit(`${compiler.buffer} += ${elsewhere}env.getExtension(${JSON.stringify(node.extName)}).run({`);
  emit("context: context, frame: frame, runtime: runtime, at: [lineno, colno], ");
  emit(`info: ${JSON.stringify(JSON.stringify(info))}, args: [`);
  for (const argument of node.args.children) {
    compiler["_compileExpression"](argument, frame);
    emit(", ");
  }
  // A variable that a condition has left undeclared is not in reach, and not used.
  emit(
    `], values: [${values.map((id) => `typeof ${id} === "undefined" ? void 0 : ${id}`).join()}], `,
  );
  emit(
    `block: function (${["cb", "frame", "lineno", "colno", ...values].join()}) {\ntry {\n${block}`,
  );
  emit("} catch (e) { cb(runtime.handleError(e, lineno, colno)); }\n} });\n");
}

/** The code of the block: the text it makes goes to `cb`. */
function compileBlock(compiler: Compiler, body: Node, frame: Frame): string {
  const start = compiler.codebuf.length;
  const output = compiler["_pushBuffer"]();
  compiler["_withScopedSyntax"](() => {
    compiler.compile(body, frame);
    compiler["_emit"](`cb(null, ${output});\n`);
  });
  compiler["_popBuffer"]();
  return compiler.codebuf.splice(start).join("");
}

/** The JavaScript variables around a block that its code uses: they become parameters. */
function visibleIn(code: string, frame: Frame): string[] {
  const used = new Set(code.match(IDENTIFIER));
  const visible = new Set<string>();
  for (let scope: Frame | undefined = frame; scope; scope = scope.parent) {
    for (const id of Object.values(scope.variables)) {
      if (typeof id === "string" && used.has(id)) visible.add(id);
    }
  }
  return [...visible];
}

function usesCaller(body: Node, nodes: Nodes): boolean {
  const isCaller = (node: Node): boolean =>
    node instanceof nodes["Symbol"]! && node.value === "caller";
  return collect([body], isCaller, []).length > 0;
}

// `key = value` has no node for its key, and `{% call %}` none for the name of what it defines.
const NAMES = new Set(["key", "name"]);

/** Nodes of a tree, wherever they stand. */
function collect(
  trees: readonly unknown[],
  wanted: (node: Node) => boolean,
  found: Node[],
): Node[] {
  for (const tree of trees) {
    if (typeof tree !== "object" || tree === null) continue;
    if (!Array.isArray(tree) && wanted(tree as Node)) found.push(tree as Node);
    const isCall = (tree as Node).typename === "FunCall";
    const fields = Object.entries(tree).filter(([field]) => isCall || !NAMES.has(field));
    collect(
      fields.map(([, inner]) => inner as unknown),
      wanted,
      found,
    );
  }
  return found;
}
