// Draws Markdown as elements: marked reads it, and every text becomes a text node, HTML included.
import { Lexer } from "marked";
import { h } from "./dom.js";

const SAFE_LINK = /^(https?:|mailto:)/i;
const ESCAPED = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'" };

// Shows a growing text in `element`: only blocks that changed are drawn again.
export class MarkdownView {
  constructor() {
    this.element = h("div", { class: "markdown" });
    this.drawn = [];
  }

  update(text) {
    try {
      this.draw(read(text));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.draw([{ type: "too deep", raw: text }]); // thousands of quotes in each other exhaust the stack
    }
  }

  draw(tokens) {
    let same = 0;
    while (same < tokens.length && this.drawn[same]?.raw === tokens[same].raw) same += 1;
    for (const old of this.drawn.splice(same)) old.node.remove();
    for (const token of tokens.slice(same)) this.add(token);
  }

  add(token) {
    const node = block(token);
    this.drawn.push({ raw: token.raw, node });
    this.element.append(node);
  }
}

function read(text) {
  return new Lexer({ gfm: true }).lex(text).filter(({ type }) => type !== "space" && type !== "def");
}

function block(token) {
  return (BLOCKS[token.type] ?? plain)(token);
}

function plain(token) {
  return h("p", {}, token.raw);
}

function blocks(tokens) {
  return tokens
    .filter(({ type }) => type !== "space")
    .map((token) => (token.type === "text" ? h("span", {}, inlineOf(token)) : block(token)));
}

// The headings of an answer stand below the page's own.
function heading({ depth, tokens }) {
  return h(`h${Math.min(depth + 2, 6)}`, {}, inline(tokens));
}

function list({ ordered, start, items }) {
  const rows = items.map((item) =>
    h("li", {}, item.task && (item.checked ? "☑ " : "☐ "), blocks(item.tokens)),
  );
  return ordered ? h("ol", { start: start || 1 }, rows) : h("ul", {}, rows);
}

function code({ text, lang }) {
  return h(
    "pre",
    { tabindex: "0", class: "markdown-code" },
    h("code", { "data-language": lang || null }, text),
  );
}

function table({ header, rows, align }) {
  const cell = (name) => (one, place) =>
    h(
      name,
      { class: align[place] === "right" ? "end" : null, scope: name === "th" ? "col" : null },
      inline(one.tokens),
    );
  return h(
    "div",
    { class: "table-scroll", tabindex: "0" },
    h(
      "table",
      { class: "table" },
      h("thead", {}, h("tr", {}, header.map(cell("th")))),
      h(
        "tbody",
        {},
        rows.map((row) => h("tr", {}, row.map(cell("td")))),
      ),
    ),
  );
}

const BLOCKS = {
  heading,
  list,
  code,
  table,
  paragraph: ({ tokens }) => h("p", {}, inline(tokens)),
  blockquote: ({ tokens }) => h("blockquote", {}, blocks(tokens)),
  hr: () => h("hr"),
};

function inline(tokens) {
  return tokens.flatMap((token) => (INLINE[token.type] ?? raw)(token));
}

function inlineOf(token) {
  return token.tokens ? inline(token.tokens) : unescaped(token.text);
}

function raw(token) {
  return [token.raw];
}

// marked escapes some texts for HTML; a text node must not show the entities.
function unescaped(text) {
  return [text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ESCAPED[entity])];
}

function link({ href, tokens, text }) {
  const label = tokens ? inline(tokens) : [text];
  if (!SAFE_LINK.test(href)) return label;
  return [h("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, label)];
}

const INLINE = {
  text: inlineOf,
  escape: ({ text }) => [text],
  strong: ({ tokens }) => [h("strong", {}, inline(tokens))],
  em: ({ tokens }) => [h("em", {}, inline(tokens))],
  del: ({ tokens }) => [h("del", {}, inline(tokens))],
  codespan: ({ text }) => [h("code", {}, text)],
  br: () => [h("br")],
  link,
  // Not loaded: the model chose the address.
  image: ({ href, text }) => link({ href, text: text || href }),
};
