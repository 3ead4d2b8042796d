// What the models on offer can do, and the words for what none of them can.
import { config } from "./app.js";
import { filesOf } from "./draft.js";

const NAMES = { structured_output: "structured output" };
const VERBS = {
  images: "takes images",
  documents: "takes PDF",
  tools: "calls tools",
  thinking: "thinks before it answers",
  structured_output: "follows a schema",
};

export function nameOf(capability) {
  return NAMES[capability] ?? capability;
}

export function isOffered(capability) {
  return config.models.some(({ capabilities }) => capabilities.includes(capability));
}

// Why something cannot be used here, or "" if a model can.
export function missing(capability) {
  return isOffered(capability) ? "" : `no model here ${VERBS[capability]}`;
}

// What the draft needs, for a hint; the server decides.
export function needsOf(draft) {
  const files = filesOf(draft);
  return [
    files.some(({ type }) => type === "image") && "images",
    files.some(({ mediaType }) => mediaType === "application/pdf") && "documents",
    draft.tools.trim() && draft.tools.trim() !== "[]" && "tools",
    draft.parameters.thinking === "enabled" && "thinking",
    draft.schema.trim() && "structured_output",
  ].filter(Boolean);
}

export function lacking(model, needs) {
  return needs.filter((need) => !model.capabilities.includes(need));
}

// The model that somebody has chosen if it can do what is needed, else the router, else the cheapest.
export function modelFor(needs, chosen) {
  const able = config.models.filter((model) => !lacking(model, needs).length);
  const isAutoAble = able.some(({ isAuto }) => isAuto);
  if (chosen === config.auto ? isAutoAble : able.some(({ id }) => id === chosen)) return chosen;
  return isAutoAble ? config.auto : (able[0]?.id ?? chosen);
}
