// Asks, a moment after each change, what the next run can cost and which model would answer.
import { csrfToken } from "../run/run.js";
import { app, config, emit, on } from "./app.js";
import { byId, h } from "./dom.js";
import { toRequest, withPlaceholders } from "./draft.js";
import { dollars, grouped } from "./format.js";
import { showRoute } from "./models.js";
import { hasMissingData } from "./parts.js";
import { placeOf, show, split } from "./problems.js";

const AFTER_MS = 450;
let timer;
let running;

export function modelsOf(draft) {
  return draft.second ? [draft.model, draft.second] : [draft.model];
}

export function soon() {
  clearTimeout(timer);
  timer = setTimeout(check, AFTER_MS);
}

async function check() {
  running?.abort();
  running = new AbortController();
  const { draft } = app;
  const { problems } = toRequest(draft);
  if (problems.length || isEmpty(draft)) return showLocal(problems);
  try {
    const answers = await Promise.all(modelsOf(draft).map((model) => ask(draft, model, running.signal)));
    showChecked(answers);
  } catch (error) {
    if (error.name !== "AbortError") unknown();
  }
}

// A new page has nothing to complain about yet.
function isEmpty({ messages }) {
  return messages.every(({ parts }) => parts.every((part) => part.kind === "text" && !part.text));
}

async function ask(draft, model, signal) {
  const response = await fetch(config.urls.check, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrftoken": csrfToken() },
    body: JSON.stringify(withPlaceholders(toRequest(draft, model).request)),
    signal,
  });
  const body = await response.json();
  if (response.status === 401) emit("signed-out");
  else emit("signed-in");
  return response.ok ? { checked: body } : { error: body.error ?? {}, status: response.status };
}

function showLocal(problems) {
  show(problems);
  unknown();
  if (problems.some(({ place }) => place === "tools")) markTools(false);
}

function unknown(reason = "") {
  app.bound = null;
  showRoute(null);
  byId("bound-title").textContent = title();
  byId("bound-value").replaceChildren(reason || "–");
  byId("bound").classList.remove("is-short");
  markTools(null);
}

function title() {
  return app.draft.second ? "Both, at most" : "Next run, at most";
}

function showChecked(answers) {
  const failed = answers.find((answer) => answer.error);
  if (failed) return showError(failed);
  show(
    hasMissingData()
      ? [
          {
            place: "messages",
            message: "Attach the files again whose data is not kept here, or remove them.",
          },
        ]
      : [],
  );
  const [{ checked }] = answers;
  const bound = answers.reduce((sum, answer) => sum + answer.checked.bound, 0);
  app.bound = bound;
  showRoute(checked);
  showBound(bound, checked);
  markTools(true);
}

function showError({ error, status }) {
  const { path, reason } = split(error.message ?? "");
  const place = status === 400 ? placeOf(path) : null;
  const rest = show([{ place, message: path ? `${path}: ${reason}` : reason }]);
  unknown();
  markTools(place !== "tools");
  if (rest.length && status === 400)
    byId("bound-value").replaceChildren(h("span", { class: "small bad" }, reason));
}

function markTools(isValid) {
  const line = byId("tools-summary");
  const hasTools = app.draft.tools.trim() && app.draft.tools.trim() !== "[]";
  line.classList.toggle("is-valid", Boolean(hasTools && isValid));
  line.classList.toggle("is-invalid", Boolean(hasTools && isValid === false));
}

function showBound(bound, { balance, available }) {
  const held = balance - available;
  const isShort = bound > available;
  byId("bound-title").textContent = isShort
    ? `${title()}: more than the ${grouped(available)} available`
    : title();
  byId("bound-value").replaceChildren(
    h("strong", { class: "number" }, grouped(bound)),
    h("span", { class: "soft number" }, ` · ${dollars(bound)}`),
  );
  byId("bound").classList.toggle("is-short", isShort);
  emit("balance", { balance, available, held, isShort });
}

export function start() {
  on("draft", soon);
  on("ended", soon);
  soon();
}
