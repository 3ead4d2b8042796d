// JSON as text: where a syntax error is, coloured for reading, and long base64 data left out.
import { h } from "./dom.js";

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;
const SHOWN_DATA_CHARS = 64;
// Colouring makes an element per token: past this length the text stays plain.
const COLOURED_CHARS = 200_000;

// Returns { value } or { problem: "Line 3, column 5: …" }.
export function parse(text) {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: placed(error.message, text) };
  }
}

function placed(message, text) {
  const reason = message
    .replace(/\s*(in JSON)?\s*at position \d+.*$/, "")
    .replace(/,? ?"?\.{3}.*is not valid JSON$/, "");
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position === undefined) return `Invalid JSON: ${reason}`;
  const before = text.slice(0, Number(position)).split("\n");
  return `Line ${before.length}, column ${before.at(-1).length + 1}: ${reason}`;
}

export function pretty(value) {
  return JSON.stringify(value, null, 2);
}

// A copy in which long base64 data is cut to its beginning, with a note; `elided` counts the cuts.
export function withoutData(value) {
  let elided = 0;
  const copy = JSON.parse(
    JSON.stringify(value, (key, inner) => {
      if (key !== "data" || typeof inner !== "string" || inner.length <= SHOWN_DATA_CHARS * 4) return inner;
      elided += 1;
      return `${inner.slice(0, SHOWN_DATA_CHARS)}… (${inner.length.toLocaleString("en-US")} characters)`;
    }),
  );
  return { copy, elided };
}

// Child nodes that show `text` with colours.
export function coloured(text) {
  if (text.length > COLOURED_CHARS) return [text];
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [whole, string, colon, number] = match;
    nodes.push(text.slice(end, match.index));
    const kind = string ? (colon ? "nt" : "s") : number ? "m" : "k";
    nodes.push(h("span", { class: kind }, string ?? whole));
    if (colon) nodes.push(colon);
    end = match.index + whole.length;
  }
  nodes.push(text.slice(end));
  return nodes.filter((node) => node !== "");
}
