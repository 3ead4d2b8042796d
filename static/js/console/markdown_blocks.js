// Reads a growing Markdown text into blocks. Pure.
import { Lexer } from "marked";

// A block is settled once a blank line ends it and two blocks have begun after it: until its first line is
// complete, the last one may still turn out to belong to the one before, as "#" does when it grows to "#tag".
const UNSETTLED = 2;

// Reads only the end of a text that grew, so that the work for a piece does not grow with the answer.
export class BlockReader {
  constructor() {
    this.forget();
  }

  forget() {
    this.text = "";
    this.settled = []; // blocks
    this.length = 0; // of the text that they are made of
    this.links = {}; // defined so far, for references such as [name]
  }

  // Returns marked's block tokens. A text that is `isWhole` is read from its beginning: a link that is
  // defined at its end counts for the references before.
  read(written, { isWhole = false } = {}) {
    const text = written.replace(/\r\n?/g, "\n");
    if (isWhole || !text.startsWith(this.text)) this.forget();
    this.text = text;
    const rest = text.slice(this.length);
    const tokens = lex(rest, this.links);
    this.hasLinks = Object.keys(tokens.links).length > 0;
    const blocks = [...this.settled, ...tokens.filter(isShown)];
    if (!isWhole) this.settle(tokens, rest);
    return blocks;
  }

  settle(tokens, rest) {
    const isExact = tokens.map(({ raw }) => raw).join("") === rest; // else the lengths say nothing
    const shown = tokens.filter(isShown);
    if (!isExact || shown.length <= UNSETTLED) return;
    const end = tokens.slice(0, tokens.indexOf(shown.at(-UNSETTLED))).findLastIndex(endsInBlankLine) + 1;
    const done = tokens.slice(0, end);
    this.settled.push(...done.filter(isShown));
    this.length += done.reduce((sum, { raw }) => sum + raw.length, 0);
    this.links = { ...tokens.links };
  }
}

function lex(text, links) {
  const lexer = new Lexer({ gfm: true });
  Object.assign(lexer.tokens.links, links);
  return lexer.lex(text);
}

function endsInBlankLine({ raw }) {
  return /\n[ \t]*\n$/.test(raw);
}

function isShown({ type }) {
  return type !== "space" && type !== "def";
}
