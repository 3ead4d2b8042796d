// The console: loads the draft, starts each part, and opens what the address holds.
import { app, config, on, replaceDraft, root, save, storage } from "../console/app.js";
import { modelsOf, start as startCheck } from "../console/check.js";
import { start as startCompare } from "../console/compare.js";
import { byId, say } from "../console/dom.js";
import { filesOf, newDraft } from "../console/draft.js";
import { setParameter, start as startFields } from "../console/fields.js";
import { start as startHistory } from "../console/history.js";
import { start as startMessages } from "../console/messages.js";
import { start as startModels } from "../console/models.js";
import { dismiss, notify } from "../console/notices.js";
import { draw, reset, start as startResults } from "../console/results.js";
import { start as startRunControl } from "../console/run_control.js";
import { start as startSession } from "../console/session.js";
import { openLink, start as startSharing } from "../console/sharing.js";

function beginAgain() {
  save();
  const before = app.draft;
  replaceDraft(newDraft(before.model));
  reset([app.draft.model]);
  const back = () => {
    dismiss("new");
    replaceDraft(before);
  };
  notify("new", "info", "Started again with an empty request.", ["Bring the last one back", back]);
  document.querySelector("#messages textarea").focus();
}

function showSide(side) {
  root.dataset.view = side;
  for (const button of document.querySelectorAll("[data-show]"))
    button.setAttribute("aria-pressed", String(button.dataset.show === side));
  draw();
}

function raiseMaxTokens(limit) {
  setParameter("max_tokens", String(limit));
  showSide("request");
  byId("run").focus();
  say(`max_tokens is ${limit}.`);
}

// Large files do not fit into the browser's store: say so once, not at each change.
function sayWhatIsKept(isWhole) {
  if (isWhole) dismiss("store");
  else if (filesOf(app.draft).some(({ data }) => data))
    notify(
      "store",
      "info",
      "The attached files are too large for this browser's store: a reload keeps their names alone.",
    );
}

app.draft = storage.loadDraft(config.auto) ?? app.draft;
for (const start of [startModels, startMessages, startFields, startResults, startCompare]) start();
for (const start of [startRunControl, startHistory, startSharing, startSession, startCheck]) start();
reset(modelsOf(app.draft));
byId("new").addEventListener("click", beginAgain);
for (const button of document.querySelectorAll("[data-show]"))
  button.addEventListener("click", () => showSide(button.dataset.show));
on("show-side", showSide);
// These notices are about a request that has not run.
on("ended", () => ["new", "link"].forEach((name) => dismiss(name)));
on("raise-max-tokens", raiseMaxTokens);
on("saved", sayWhatIsKept);
if (!config.models.length) notify("models", "warn", "No model can be called at the moment.");
root.classList.add("is-ready");
openLink();
