// A draft from outside the page, from a link or an older version's store. Pure.
import { EDITED, newDraft } from "./draft.js";

// Each is drawn, again after a reload: a link must not freeze the page.
const MOST_PARTS = 1000;

const KNOWN = {
  text: (part) => typeof part.text === "string",
  file: (part) => typeof part.name === "string" && typeof part.mediaType === "string",
  tool_result: (part) => typeof part.toolUseId === "string" && typeof part.text === "string",
  raw: (part) => typeof part.block?.type === "string",
};
// The members of a block that the page shows; `rest` must not replace them unseen.
const SHOWN = { text: new Set(["type", "text"]), file: new Set(["type", "source", "title"]) };

// Its members may be anything: only those of a draft are used, each of its own kind. Throws an Error if a
// message is none.
export function asDraft(value, model) {
  const fresh = newDraft(model);
  const kept = Object.entries(value).filter(
    ([name, one]) => Object.hasOwn(fresh, name) && one !== null && typeof one === typeof fresh[name],
  );
  const draft = { ...fresh, ...Object.fromEntries(kept) };
  draft.second = typeof value.second === "string" ? value.second : null;
  draft.parameters = { ...fresh.parameters, ...textsOf(value.parameters ?? {}) };
  draft.extra = without(draft.extra, EDITED);
  if (partsOf(value) > MOST_PARTS) throw new Error("There are too many messages in it.");
  draft.messages = value.messages.map(asMessage);
  return draft;
}

function partsOf({ messages }) {
  return messages.reduce((count, { parts }) => count + Math.max(1, parts?.length ?? 0), 0);
}

function without(members, names) {
  return Object.fromEntries(Object.entries(members ?? {}).filter(([name]) => !names.has(name)));
}

function textsOf(members) {
  return Object.fromEntries(Object.entries(members).filter(([, one]) => typeof one === "string"));
}

function asMessage({ id, role, parts }) {
  if (typeof role !== "string" || !Array.isArray(parts)) throw new Error("A message in it is damaged.");
  return { id: String(id), role, parts: parts.map(asPart) };
}

function asPart(part) {
  if (!Object.hasOwn(KNOWN, part.kind) || !KNOWN[part.kind](part)) {
    throw new Error("A message in it is damaged.");
  }
  const shown = SHOWN[part.kind];
  return shown ? { ...part, rest: without(part.rest, shown) } : part;
}
