// The choice of the model: capabilities, context and price, and what caicaini/auto would take.
import { app, changed, config, modelById, on } from "./app.js";
import { byId, h, icon } from "./dom.js";
import { filesOf } from "./draft.js";
import { dollars, grouped } from "./format.js";
import { shortName } from "./names.js";
import { prepare } from "./popovers.js";

const WORDS = { structured_output: "structured output" };
const PER_MILLION = 2;

export function price(model) {
  return `${dollars(model.input, PER_MILLION)} in, ${dollars(model.output, PER_MILLION)} out per million tokens`;
}

export function capability(name) {
  return WORDS[name] ?? name;
}

// What the draft needs and the model lacks, for a hint; the server decides.
function lacking(model) {
  const { draft } = app;
  const types = filesOf(draft).map(({ type }) => type);
  const needs = [
    types.includes("image") && "images",
    filesOf(draft).some((file) => file.mediaType === "application/pdf") && "documents",
    draft.tools.trim() && draft.tools.trim() !== "[]" && "tools",
    draft.parameters.thinking === "enabled" && "thinking",
    draft.schema.trim() && "structured_output",
  ].filter(Boolean);
  return needs.filter((need) => !model.capabilities.includes(need));
}

function autoRow() {
  const note = h(
    "span",
    { class: "small soft" },
    "The cheapest healthy model that supports what the request needs",
  );
  return choice(config.auto, note);
}

function modelRow(model) {
  const capabilities = model.capabilities.length
    ? model.capabilities.map(capability).join(", ")
    : "text only";
  const missing = lacking(model);
  return choice(
    model.id,
    model.description && h("span", { class: "small" }, model.description),
    h(
      "span",
      { class: "small soft" },
      `${grouped(model.context)} tokens of context, ${grouped(model.maxOutput)} of output`,
    ),
    h("span", { class: "small soft" }, capabilities),
    h("span", { class: "small number" }, price(model)),
    missing.length > 0 &&
      h(
        "span",
        { class: "small warn" },
        icon("alert"),
        ` does not take ${missing.map(capability).join(", ")}`,
      ),
  );
}

function choice(id, ...lines) {
  const choose = () => {
    app.draft.model = id;
    changed("model");
  };
  const input = h("input", {
    type: "radio",
    name: "model",
    value: id,
    checked: id === app.draft.model,
    onchange: choose,
  });
  return h(
    "label",
    { class: "model-choice" },
    input,
    h("span", { class: "model-text" }, h("span", { class: "model-id" }, id), ...lines),
  );
}

function fill() {
  const rows = config.models.map(modelRow);
  byId("models").replaceChildren(
    h(
      "fieldset",
      {},
      h("legend", { class: "small" }, "Model"),
      config.models.some((model) => model.isAuto) && autoRow(),
      ...rows,
    ),
  );
}

function show() {
  byId("model-name").textContent = app.draft.model;
  const model = modelById(app.draft.model);
  if (model) byId("model-route").textContent = price(model);
  else if (app.draft.model !== config.auto) byId("model-route").textContent = "not on offer here";
}

// `checked` is the answer of /check.
export function showRoute(checked) {
  if (app.draft.model !== config.auto) return show();
  const line = byId("model-route");
  const [first] = checked?.route ?? [];
  if (!first) line.replaceChildren(checked?.model ? `would take ${shortName(checked.model)}` : "\u00a0");
  else
    line.replaceChildren(
      "would take ",
      h("strong", {}, shortName(first.model)),
      first.reason ? `: ${first.reason}` : "",
    );
}

// Selects on a click and closes; arrow keys select and leave it open until Enter or Escape.
function closeOnChoice(event) {
  const isPointer = event.type === "click" && event.detail > 0 && event.target.closest("label");
  const isEnter = event.type === "keydown" && event.key === "Enter";
  if (isEnter) event.preventDefault(); // else the button behind, focused again, opens it again
  if (isPointer || isEnter) byId("models").hidePopover();
}

export function start() {
  const popover = byId("models");
  prepare(popover, fill);
  popover.addEventListener("toggle", (event) => {
    if (event.newState === "open")
      (popover.querySelector(":checked") ?? popover.querySelector("input"))?.focus();
  });
  popover.addEventListener("click", closeOnChoice);
  popover.addEventListener("keydown", closeOnChoice);
  on("draft", (part) => ["model", "all"].includes(part) && show());
  show();
}
