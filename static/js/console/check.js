// Asks, a moment after each change, what the next run can cost and which model would answer.
import { csrfToken } from "../run/run.js";
import { app, config, emit, on, pageHeaders } from "./app.js";
import { tellSession } from "./call.js";
import { byId, h } from "./dom.js";
import { toRequest, withPlaceholders } from "./draft.js";
import { dollars, grouped } from "../run/figures.js";
import { showRoute } from "./models.js";
import { MISSING_DATA, hasMissingData } from "./parts.js";
import { placeOf, show, split, warn } from "./problems.js";

const AFTER_MS = 450;
const STAND_IN = [{ role: "user", content: "…" }];
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
  if (problems.length) return showLocal(problems);
  try {
    const answers = await Promise.all(modelsOf(draft).map((model) => ask(draft, model, running.signal)));
    showChecked(answers);
  } catch (error) {
    if (error.name !== "AbortError") unknown();
  }
}

function isEmpty({ messages }) {
  return messages.every(({ parts }) => parts.every((part) => part.kind === "text" && !part.text));
}

// A new page has nothing to complain about yet, but its models and its balance can be said.
function checkable(draft, model) {
  const { request } = toRequest(draft, model);
  return isEmpty(draft) ? { ...request, messages: STAND_IN } : withPlaceholders(request);
}

async function ask(draft, model, signal) {
  const response = await fetch(config.urls.check, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrftoken": csrfToken(), ...pageHeaders() },
    body: JSON.stringify(checkable(draft, model)),
    signal,
  });
  const body = await response.json();
  tellSession(response.status, body.error?.details?.error_code);
  return response.ok ? { checked: body } : { error: body.error ?? {}, status: response.status };
}

function showLocal(problems) {
  show(problems);
  unknown();
  if (problems.some(({ place }) => place === "tools")) markTools("invalid");
}

function unknown(reason = "") {
  app.bound = null;
  showRoute(null);
  warn([]);
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
  show(hasMissingData() ? [MISSING_DATA] : []);
  const [{ checked }] = answers;
  app.bound = answers.reduce((sum, answer) => sum + answer.checked.bound, 0);
  showRoute(checked);
  showBound(app.bound, checked);
  warn(checked.warnings);
  const isWarned = checked.warnings.some(({ path }) => placeOf(path) === "tools");
  markTools(isWarned ? "warned" : "valid");
}

function showError({ error, status }) {
  const { path, reason } = split(error.message ?? "");
  const place = status === 400 ? placeOf(path) : null;
  const rest = show([{ place, message: path ? `${path}: ${reason}` : reason }]);
  unknown();
  markTools(place === "tools" ? "invalid" : null);
  if (status === 413) byId("bound-value").replaceChildren(h("span", { class: "small soft" }, "not known for so long a text"));
  if (!rest.length || status !== 400) return;
  byId("bound-value").replaceChildren(h("span", { class: "small bad" }, reason));
}

// "valid", "warned", "invalid", or null: not known.
function markTools(state) {
  const line = byId("tools-summary");
  const hasTools = app.draft.tools.trim() && app.draft.tools.trim() !== "[]";
  for (const one of ["valid", "warned", "invalid"])
    line.classList.toggle(`is-${one}`, Boolean(hasTools && state === one));
}

function showBound(bound, { balance, available }) {
  const held = balance - available;
  const isUnwritten = isEmpty(app.draft);
  const isShort = isUnwritten ? available <= 0 : bound > available;
  byId("bound-title").textContent = isShort && !isUnwritten
    ? `${title()}: more than the ${grouped(available)} available`
    : title();
  const amount = [
    h("strong", { class: "number" }, grouped(bound)),
    h("span", { class: "soft number" }, ` · ${dollars(bound)}`),
  ];
  byId("bound-value").replaceChildren(...(isUnwritten ? ["–"] : amount));
  byId("bound").classList.toggle("is-short", isShort && !isUnwritten);
  emit("balance", { balance, available, held, isShort });
}

export function start() {
  on("draft", soon);
  on("ended", soon);
  soon();
}
