// Two models side by side: the second model's choice, and the switch between one and two.
import { app, changed, config, on } from "./app.js";
import { byId, h } from "./dom.js";
import { modelsOf } from "./check.js";
import * as results from "./results.js";

const button = byId("compare");

function toggle() {
  const others = [...config.models.map(({ id }) => id), config.auto].filter((id) => id !== app.draft.model);
  app.draft.second = app.draft.second ? null : (others[0] ?? config.auto);
  changed("model");
  results.reset(modelsOf(app.draft));
}

function choose(name, event) {
  app.draft[name] = event.target.value;
  changed("model");
  results.reset(modelsOf(app.draft));
}

function select(name, label, place) {
  const ids = [config.auto, ...config.models.map(({ id }) => id)];
  const known = ids.includes(app.draft[name]) ? ids : [...ids, app.draft[name]];
  const options = known.map((id) => h("option", { value: id, selected: id === app.draft[name] }, id));
  return h(
    "label",
    { class: "compared" },
    h("span", { class: `swatch cost-${place}`, "aria-hidden": "true" }),
    h("span", { class: "visually-hidden" }, label),
    h("select", { onchange: (event) => choose(name, event) }, options),
  );
}

function show() {
  const isComparing = Boolean(app.draft.second);
  button.setAttribute("aria-pressed", String(isComparing));
  byId("run-label").textContent = isComparing ? "Run both" : "Run";
  byId("model").hidden = isComparing;
  byId("model-row").querySelector(".compared-models")?.remove();
  if (!isComparing) return;
  byId("model-row").append(
    h(
      "div",
      { class: "compared-models" },
      h("p", { class: "model-name" }, "One request, two models"),
      select("model", "First model", 0),
      select("second", "Second model", 1),
    ),
  );
}

export function start() {
  button.addEventListener("click", toggle);
  button.disabled = !config.models.length;
  on("draft", (part) => {
    if (["model", "all"].includes(part)) show();
    const models = modelsOf(app.draft);
    if (part === "all" && models.length !== results.allColumns().length) results.reset(models);
  });
  show();
}
