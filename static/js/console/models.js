// The choice of the model: capabilities, context and price, and what caicaini/auto would take.
import { app, changed, config, modelById, on } from "./app.js";
import { lacking, nameOf, needsOf } from "./capabilities.js";
import { byId, h, icon } from "./dom.js";
import { dollars, grouped } from "../run/figures.js";
import { shortName } from "./short_texts.js";
import { prepare } from "./popovers.js";

const PER_MILLION = 2;
const AUTO_RULE = "the cheapest model that can do what is asked";
let route = []; // of the newest check: { model, state, reason }

export function price(model) {
  return `${dollars(model.input, PER_MILLION)} in, ${dollars(model.output, PER_MILLION)} out per million tokens`;
}

function autoRow() {
  return choice(config.auto, h("span", { class: "small soft" }, `Takes ${AUTO_RULE}`));
}

function modelRow(model) {
  const capabilities = model.capabilities.length
    ? model.capabilities.map(nameOf).join(", ")
    : "text only";
  const missing = lacking(model, needsOf(app.draft));
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
        ` does not take ${missing.map(nameOf).join(", ")}`,
      ),
    h("span", { class: "small soft", "data-route-of": model.id }, routeNote(model.id)),
  );
}

// What the router makes of a model, where it chooses.
function routeNote(id) {
  const step = app.draft.model === config.auto && route.find((one) => one.model === id);
  if (!step) return "";
  const words = {
    chosen: `would be taken: ${step.reason}`,
    next: `would be next, ${step.reason}`,
    dropped: `passed over: ${step.reason}`,
  };
  return `${shortName(config.auto)}: ${words[step.state]}`;
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
  const isAuto = app.draft.model === config.auto;
  byId("model-route").textContent = model ? price(model) : isAuto ? `takes ${AUTO_RULE}` : "not on offer here";
}

// `checked` is the answer of /check, or null.
export function showRoute(checked) {
  route = checked?.route ?? [];
  for (const note of document.querySelectorAll("[data-route-of]"))
    note.textContent = routeNote(note.dataset.routeOf);
  show();
  const [first] = route;
  if (app.draft.model !== config.auto || !first) return;
  byId("model-route").replaceChildren(
    "would take ",
    h("strong", {}, shortName(first.model)),
    `: ${first.reason}`,
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
