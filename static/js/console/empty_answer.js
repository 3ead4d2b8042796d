// What the answer's side shows before anything has run: what this is, and requests to begin with.
import { app, config, replaceDraft } from "./app.js";
import { byId, h } from "./dom.js";
import { STARTS } from "./samples.js";

export function emptyAnswer(place) {
  if (!config.models.length) return noModels();
  if (place !== null)
    return h("div", { class: "empty-answer" }, h("p", { class: "soft" }, "The answer appears here."));
  const begin = (draftFor) => {
    replaceDraft(draftFor(app.draft.model));
    byId("run").focus();
  };
  const starts = STARTS.map(([title, about, draftFor]) =>
    h(
      "button",
      { type: "button", class: "start", onclick: () => begin(draftFor) },
      h("strong", {}, title),
      h("span", { class: "small soft" }, about),
    ),
  );
  return h(
    "div",
    { class: "empty-answer" },
    h("h2", {}, "Nothing has run yet"),
    h(
      "p",
      { class: "soft" },
      "Write a message and run it: the answer, its raw events, its price and its code appear here. Or begin with one of these:",
    ),
    h("div", { class: "starts" }, starts),
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
