// Draws Markdown as elements: every text becomes a text node, HTML included.
import { h } from "./dom.js";
import { BlockReader } from "./markdown_blocks.js";

const SAFE_LINK = /^(https?:|mailto:)/i;
const ESCAPED = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'" };

// Shows a growing text in `element`: only blocks that changed are drawn again.
export class MarkdownView {
  constructor() {
    this.element = h("div", { class: "markdown" });
    this.reader = new BlockReader();
    this.drawn = [];
  }

  // `isWhole`: nothing will be added to the text.
  update(text, { isWhole = true } = {}) {
    try {
      const tokens = this.reader.read(text, { isWhole });
      this.draw(tokens, { isRelinked: isWhole && this.reader.hasLinks });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.draw([{ type: "too deep", raw: text }]); // thousands of quotes in each other exhaust the stack
    }
  }

  // `isRelinked`: what a reference such as [name] leads to is known by now, so that those are drawn again.
  draw(tokens, { isRelinked = false } = {}) {
    let same = 0;
    while (same < tokens.length && isSame(this.drawn[same], tokens[same], isRelinked)) same += 1;
    for (const old of this.drawn.splice(same)) old.node.remove();
    for (const token of tokens.slice(same)) this.add(token);
  }

  add(token) {
    const node = block(token);
    this.drawn.push({ token, node });
    this.element.append(node);
  }
}

function isSame(drawn, token, isRelinked) {
  if (drawn?.token === token) return true;
  return drawn?.token.raw === token.raw && !(isRelinked && token.raw.includes("]"));
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
