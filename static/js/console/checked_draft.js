// A draft from outside the page, from a link or an older version's store. Pure.
import { newDraft } from "./draft.js";

const KNOWN = {
  text: (part) => typeof part.text === "string",
  file: (part) => typeof part.name === "string" && typeof part.mediaType === "string",
  tool_result: (part) => typeof part.toolUseId === "string" && typeof part.text === "string",
  raw: (part) => typeof part.block?.type === "string",
};

// Its members may be anything: only those of a draft are used, each of its own kind. Throws an Error if a
// message is none.
export function asDraft(value, model) {
  const fresh = newDraft(model);
  const kept = Object.entries(value).filter(
    ([name, one]) => name in fresh && one !== null && typeof one === typeof fresh[name],
  );
  const draft = { ...fresh, ...Object.fromEntries(kept) };
  draft.second = typeof value.second === "string" ? value.second : null;
  draft.parameters = { ...fresh.parameters, ...textsOf(value.parameters ?? {}) };
  draft.messages = value.messages.map(asMessage);
  return draft;
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
  return part.kind === "text" ? { ...part, rest: part.rest ?? {} } : part;
}
