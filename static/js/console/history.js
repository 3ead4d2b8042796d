// The last 20 runs, in this browser alone; choosing one brings its request and answer back.
import { config, on, replaceDraft, storage } from "./app.js";
import { Answer } from "./answer.js";
import { Call } from "./call.js";
import { asDraft } from "./checked_draft.js";
import { byId, h, icon, say } from "./dom.js";
import { filesOf, newId, toRequest } from "./draft.js";
import { dollars, grouped } from "../run/figures.js";
import { shortened } from "./short_texts.js";
import { prepare } from "./popovers.js";
import * as results from "./results.js";

const TITLE_CHARS = 70;

function titleOf({ messages }) {
  const texts = messages.flatMap(({ role, parts }) =>
    role === "user" ? parts.filter((part) => part.kind === "text") : [],
  );
  return shortened(texts.map(({ text }) => text).find(Boolean) ?? "", TITLE_CHARS) || "(no text)";
}

// One entry for the calls of a run's columns: a tool loop is one entry that grows. The draft on the page may be
// another one by now.
function keep(columns) {
  const [first] = columns;
  first.historyId ??= newId();
  storage.keep({
    id: first.historyId,
    at: Date.now(),
    draft: first.draft,
    models: columns.map(({ model }) => model),
    columns: columns.map(({ calls }) => calls.filter((call) => !call.isRunning).map(stored)),
  });
}

function stored({
  number,
  request,
  answer,
  head,
  record,
  error,
  ending,
  isUnsent,
  firstTokenMs,
  durationMs,
  results: entered,
}) {
  const { model, max_tokens, stream } = request;
  return {
    number,
    request: { model, max_tokens, stream },
    message: answer.message,
    spans: answer.spans,
    head,
    record,
    error,
    ending,
    isUnsent,
    firstTokenMs,
    durationMs,
    results: entered,
  };
}

// The draft is the one that the last call was made of, so it is that call's request.
function restored(entry, draft) {
  const { request: parameters, message, spans, ...members } = entry;
  const request = { ...toRequest(withNotes(draft), parameters.model).request, ...parameters };
  const call = new Call({ number: entry.number, request, onUpdate: results.draw });
  Object.assign(call, members, { state: "ended", isRestored: true });
  call.answer = new Answer(message);
  call.answer.spans = spans;
  return call;
}

function withNotes(draft) {
  const copy = structuredClone(draft);
  for (const file of filesOf(copy)) file.data = "(not kept in the history)";
  return copy;
}

// An entry is kept before the record of its last call is there.
function readMissing() {
  const calls = results.allColumns().flatMap((column) => column.calls);
  for (const call of calls) if (!call.record && call.head?.requestId) call.readRecord();
}

function open(entry) {
  byId("history").hidePopover();
  replaceDraft(asDraft(structuredClone(entry.draft), config.auto));
  results.reset(entry.models);
  results.allColumns().forEach((column, place) => {
    column.calls = (entry.columns?.[place] ?? []).map((call) => restored(call, entry.draft));
    column.historyId = entry.id;
    column.draft = entry.draft;
  });
  results.draw();
  readMissing();
  byId("run").focus();
  say("Request brought back from the history.");
}

function row(entry) {
  const calls = (entry.columns ?? []).flat();
  const credits = calls.reduce(
    (sum, { record, message }) => sum + (record?.credits ?? message?.usage?.credits_consumed ?? 0),
    0,
  );
  const at = new Date(entry.at);
  const facts = [
    at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" }),
    entry.models.join(" and "),
    `${grouped(credits)} credits, ${dollars(credits)}`,
  ];
  const failed = calls.find(({ ending }) => ending !== "completed");
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", class: "history-entry", onclick: () => open(entry) },
      h("span", {}, titleOf(entry.draft)),
      h(
        "span",
        { class: "small soft" },
        facts.join(" · "),
        failed && [" · ", icon("alert"), ` ${failed.ending}`],
      ),
    ),
  );
}

function fill() {
  const entries = storage.history();
  byId("clear-history").hidden = !entries.length;
  byId("history-list").replaceChildren(
    ...(entries.length
      ? entries.map(row)
      : [h("li", { class: "soft small" }, "Runs appear here as soon as they end.")]),
  );
}

export function start() {
  prepare(byId("history"), fill);
  byId("clear-history").addEventListener("click", () => {
    storage.clearHistory();
    fill();
    say("History cleared.");
  });
  // At the answer's end, since the page may be left before its record is there; and again with the record.
  for (const name of ["answered", "ended"]) on(name, keep);
}
