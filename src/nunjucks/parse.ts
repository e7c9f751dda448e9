// Parses {% cache timeout, "name", vary…, tags=list %}…{% endcache %}.
import type { Lexer, Node, Nodes, Parser, Token } from "./environment.js";
import { fragmentClass, holds, type TagInfo } from "./node.js";
import { sourceOfText } from "./sources.js";

/** The name of the tag. */
export const TAG = "cache";
const END = `end${TAG}`;
const NAMED = ["tags", "deps"];

/** Parses one tag with its block into a node of `extension`. */
export function parseFragment(extension: object, parser: Parser, nodes: Nodes, lexer: Lexer): Node {
  const tag = parser.nextToken();
  const args = parseArguments(parser, nodes, lexer, tag);
  parser.advanceAfterBlockEnd(tag.value);
  const body = parser.parseUntilBlocks(END);
  parseEnd(parser, lexer, tag);
  if (holds(body, nodes["Extends"]!)) {
    fail(parser, tag, "{% extends %} cannot stand in a fragment");
  }
  const { str, tags } = parser.tokens;
  const source = sourceOfText(str, { start: tags["BLOCK_START"]!, end: tags["BLOCK_END"]! });
  const info = { ...source, line: tag.lineno + 1, column: tag.colno + 1 };
  return new (fragmentClass(nodes))(extension, info satisfies Partial<TagInfo>, args, [body]);
}

/** Expressions with commas between them, then `name=expression`. */
function parseArguments(parser: Parser, nodes: Nodes, lexer: Lexer, tag: Token): Node {
  const args = new nodes["NodeList"]!(tag.lineno, tag.colno);
  const named = new nodes["KeywordArgs"]!(tag.lineno, tag.colno);
  const isEnd = (): boolean => parser.peekToken()?.type === lexer.TOKEN_BLOCK_END;
  while (!isEnd()) {
    const argument = parser.parseExpression();
    if (parser.skipValue(lexer.TOKEN_OPERATOR, "=")) {
      named.addChild(parsePair(parser, nodes, argument));
    } else {
      args.addChild(argument);
    }
    if (!isEnd() && !parser.skip(lexer.TOKEN_COMMA)) {
      fail(parser, tag, "its arguments need commas between them, and the tag an end");
    }
  }
  if (args.children.length < 2) {
    fail(parser, tag, `it needs a timeout and a name: {% ${TAG} 300, "sidebar" %}`);
  }
  if (named.children.length > 0) args.addChild(named);
  return args;
}

function parsePair(parser: Parser, nodes: Nodes, name: Node): Node {
  if (!(name instanceof nodes["Symbol"]!) || !NAMED.includes(name.value as string)) {
    const known = NAMED.map((argument) => `${argument}=`).join(" and ");
    fail(parser, name, `it has no argument ${String(name.value)}=; it has ${known}`);
  }
  return new nodes["Pair"]!(name.lineno, name.colno, name, parser.parseExpression());
}

function parseEnd(parser: Parser, lexer: Lexer, tag: Token): void {
  if (parser.peekToken() === null) fail(parser, tag, `its {% ${END} %} is missing`);
  const end = parser.nextToken();
  if (parser.peekToken()?.type !== lexer.TOKEN_BLOCK_END) {
    fail(parser, end, `{% ${END} %} has no arguments`);
  }
  parser.advanceAfterBlockEnd(end.value);
}

function fail(parser: Parser, at: Token | Node, reason: string): never {
  return parser.fail(`{% ${TAG} %}: ${reason}`, at.lineno, at.colno);
}
