// What the answer's side shows before anything has run: what this is, and requests to begin with.
import { app, config, replaceDraft } from "./app.js";
import { missing, modelFor } from "./capabilities.js";
import { byId, h } from "./dom.js";
import { STARTS } from "./samples.js";

export function emptyAnswer(place) {
  if (!config.models.length) return noModels();
  if (place !== null)
    return h("div", { class: "empty-answer" }, h("p", { class: "soft" }, "The answer appears here."));
  return h(
    "div",
    { class: "empty-answer" },
    h("h2", {}, "Nothing has run yet"),
    h(
      "p",
      { class: "soft" },
      "Write a message and run it: the answer, its raw events, its price and its code appear here. Or begin with one of these:",
    ),
    h("div", { class: "starts" }, STARTS.map(startButton)),
  );
}

function startButton([title, about, needs, draftFor]) {
  const reason = needs.map(missing).find(Boolean);
  const begin = () => {
    replaceDraft(draftFor(modelFor(needs, app.draft.model)));
    byId("run").focus();
  };
  return h(
    "button",
    { type: "button", class: "start", disabled: Boolean(reason), onclick: begin },
    h("strong", {}, title),
    h("span", { class: "small soft" }, reason ? `Not now: ${reason}` : about),
  );
}

function noModels() {
  return h(
    "div",
    { class: "empty-answer" },
    h("h2", {}, "No model can be called"),
    h(
      "p",
      { class: "soft" },
      "The catalogue has no model with a price at the moment, so nothing can run. Your draft is kept. Reload the page later, or ask those who operate this service.",
    ),
  );
}
