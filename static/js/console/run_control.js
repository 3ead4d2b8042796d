// Run, Stop, sending tool results, and going on with the conversation.
import { app, changed, config, emit, on, root } from "./app.js";
import { Call } from "./call.js";
import { modelsOf } from "./check.js";
import { byId, say } from "./dom.js";
import { newMessage, textPart, toRequest, withoutFiles } from "./draft.js";
import { dollars, grouped } from "../run/figures.js";
import { addMessage } from "./messages.js";
import { MISSING_DATA, hasMissingData } from "./parts.js";
import { isAnyOpen } from "./popovers.js";
import { focusFirst, show } from "./problems.js";
import * as results from "./results.js";

let running = [];
let isContinued = false; // the next run belongs to the calls shown

function problemsOf(draft) {
  const { problems } = toRequest(draft);
  if (hasMissingData()) problems.push(MISSING_DATA);
  return problems;
}

export async function run() {
  if (app.isRunning || !config.models.length) return;
  const problems = problemsOf(app.draft);
  if (problems.length) {
    show(problems);
    focusFirst(problems);
    say(`Not sent. ${problems[0].message}`);
    return;
  }
  const models = modelsOf(app.draft);
  if (!isContinued || models.length > 1 || results.allColumns().length !== 1) results.reset(models);
  isContinued = false;
  await runAll(models);
}

async function runAll(models) {
  const columns = results.allColumns();
  const calls = models.map((model, place) => newCall(columns[place], toRequest(app.draft, model).request));
  for (const column of columns) column.draft = structuredClone(withoutFiles(app.draft));
  running = calls;
  setRunning(true);
  results.choose("answer");
  emit("show-side", "answer"); // which has a tab of its own on narrow screens
  await Promise.all(calls.map((call) => call.run()));
  setRunning(false);
  emit("answered", columns);
  await Promise.all(calls.map((call) => call.readRecord()));
  emit("ended", columns);
  speak(calls);
}

function newCall(column, request) {
  const call = new Call({ number: column.calls.length + 1, request, onUpdate: results.draw });
  column.calls.push(call);
  return call;
}

// Records that could not be read while nobody was signed in.
function readMissing() {
  const calls = results.allColumns().flatMap((column) => column.calls);
  for (const call of calls) if (!call.isRunning && !call.record && !call.isRestored) call.readRecord();
}

function setRunning(isRunning) {
  app.isRunning = isRunning;
  const hadFocus = [byId("run"), byId("stop")].includes(document.activeElement);
  byId("run").hidden = isRunning;
  byId("stop").hidden = !isRunning;
  byId("stop-beside").hidden = !isRunning; // for narrow screens, where the other is behind a tab
  if (hadFocus) byId(isRunning ? "stop" : "run").focus();
}

export function stop() {
  for (const call of running) if (call.isRunning) call.stop();
}

// The end is spoken once, with the cost.
function speak(calls) {
  const sentences = calls.map((call) => {
    const credits = call.credits();
    const cost = credits === null ? "" : ` ${grouped(credits)} credits, ${dollars(credits)}.`;
    const model = calls.length > 1 ? `${call.request.model}: ` : "";
    return `${model}${ending(call)}.${cost}`;
  });
  say(sentences.join(" "));
}

function ending({ ending: name, answer, error }) {
  if (name === "stopped") return "Stopped";
  if (name === "failed") return `Failed: ${error?.message ?? "no answer"}`.replace(/\.$/, "");
  if (answer.stopReason === "max_tokens") return "Answer cut at max_tokens";
  if (answer.stopReason === "tool_use") return "The model calls a tool and waits for its result";
  if (answer.stopReason === "refusal") return "The model declined to answer";
  return "Answer complete";
}

function answerMessage(call) {
  const parts = call.answer.content.map((block) =>
    block.type === "text" ? textPart(block.text) : { kind: "raw", block },
  );
  return newMessage("assistant", parts);
}

function sendResults({ call, results: entered }) {
  if (app.isRunning) return;
  call.results = entered;
  app.draft.messages.push(
    answerMessage(call),
    newMessage(
      "user",
      entered.map((one) => ({ kind: "tool_result", ...one })),
    ),
  );
  changed("messages");
  isContinued = true;
  run();
}

function goOn(call) {
  app.draft.messages.push(answerMessage(call));
  isContinued = true;
  emit("show-side", "request");
  addMessage("user");
}

// The button that Ctrl+Enter in a result stands for: the second time it answers the question about an empty one.
function sendButton() {
  const field = document.activeElement?.closest?.(".result-input");
  const row = field?.closest(".call").querySelector(".send-row:not([hidden])");
  return row?.querySelector(".send-anyway:not([hidden])") ?? row?.querySelector(".send-results");
}

function onKey(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    if (event.repeat) return; // a key held down answers no question
    const send = sendButton();
    if (send) send.click();
    else run();
  } else if (event.key === "Escape" && app.isRunning && !event.defaultPrevented && !isAnyOpen()) stop();
}

export function start() {
  byId("run").addEventListener("click", run);
  for (const id of ["stop", "stop-beside"]) byId(id).addEventListener("click", stop);
  byId("run").disabled = !config.models.length;
  document.addEventListener("keydown", onKey);
  on("send-results", sendResults);
  on("continue", goOn);
  on("came-back", readMissing);
  on("draft", (part) => {
    if (part === "all") isContinued = false;
  });
  if (/Mac|iPhone|iPad/.test(navigator.platform))
    for (const key of root.querySelectorAll("#run kbd")) key.textContent = "⌘ ⏎";
}
