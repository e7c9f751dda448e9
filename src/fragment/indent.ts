// Indents text line by line, as Handlebars indents a partial that stands alone on its line.

/** Every line gets the indent, but an empty one at the end. */
export function indentLines(text: string, indent: string): string {
  if (text === "") return text;
  const indented = indent + text.replaceAll("\n", `\n${indent}`);
  return text.endsWith("\n") ? indented.slice(0, -indent.length) : indented;
}
