// Text written by strangers as HTML that can do no harm.
import Handlebars from "handlebars";
import { Marked } from "marked";
import sanitize from "sanitize-html";

const markdown = new Marked({ gfm: true });

// The parts of the page around a README, which it must not look like.
const PAGE_PARTS = new Set(["article", "aside", "footer", "header", "main", "nav", "section"]);

// No images, styles, identifiers, forms or frames; links lead to the web or nowhere.
const HARMLESS: sanitize.IOptions = {
  allowedTags: sanitize.defaults.allowedTags
    .filter((tag) => !PAGE_PARTS.has(tag))
    .concat("del", "details", "ins", "summary"),
  allowedAttributes: { a: ["href", "rel"], td: ["align"], th: ["align"], span: ["class"] },
  allowedClasses: { span: ["image"] },
  allowedSchemes: ["http", "https", "mailto"],
  allowProtocolRelative: false,
  nestingLimit: 100,
  transformTags: { a: outwardLink, img: imageText },
};

/** Markdown, with the HTML in it that is harmless. */
export function markdownHtml(text: string): string {
  try {
    return sanitize(markdown.parse(text, { async: false }), HARMLESS);
  } catch (error) {
    // Markdown nested thousands of levels deep exhausts the stack.
    if (!(error instanceof RangeError)) throw error;
    return plainHtml(text);
  }
}

/** Text shown as it is. */
export function plainHtml(text: string): string {
  return `<pre>${Handlebars.escapeExpression(text)}</pre>`;
}

function outwardLink(tagName: string, { href = "" }: sanitize.Attributes): sanitize.Tag {
  if (!/^(https?:\/\/|mailto:)/i.test(href)) return { tagName, attribs: {} };
  return { tagName, attribs: { href, rel: "noopener noreferrer nofollow" } };
}

function imageText(_tagName: string, { alt = "" }: sanitize.Attributes): sanitize.Tag {
  return { tagName: "span", attribs: { class: "image" }, text: alt };
}
