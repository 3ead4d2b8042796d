// The right side: one column, or two in a comparison; tabs choose what all of them show.
import { app, emit, on, root } from "./app.js";
import { byId, h, say } from "./dom.js";
import { Column } from "./column.js";
import { toRequest } from "./draft.js";
import { counted, grouped } from "../run/figures.js";
import { verdict } from "./verdict.js";

const tabs = [...document.querySelectorAll("#tabs [role=tab]")];
const COPIED_MS = 2000;
const EVENTS_EVERY_MS = 250;
let tab = "answer";
let columns = [];
let isDrawing = false;

export function allColumns() {
  return columns;
}

// Starts again with empty columns for these models.
export function reset(models) {
  columns = models.map((model, place) => new Column(model, models.length > 1 ? place : null));
  byId("panels").replaceChildren(...columns.map(({ element }) => element));
  root.classList.toggle("is-comparing", models.length > 1);
  if (models.length > 1 && tab === "request") choose("answer"); // one request for both: its tab is hidden
  drawSwitch();
  draw();
}

// Draws at the next frame, however often it is called until then. The event table takes longer to draw.
export function draw() {
  if (isDrawing) return;
  isDrawing = true;
  const soon =
    tab === "events" && app.isRunning ? (run) => setTimeout(run, EVENTS_EVERY_MS) : requestAnimationFrame;
  soon(() => {
    isDrawing = false;
    const { request, problems } = toRequest(app.draft);
    const scale = scaleOf();
    for (const column of columns) column.draw(tab, { planned: problems.length ? null : request, scale });
    drawHead();
  });
}

// All bars of a comparison share one scale: the most that any of the calls could cost.
function scaleOf() {
  if (columns.length < 2) return null;
  return Math.max(
    1,
    ...columns.flatMap(({ calls }) => calls.map((call) => Math.max(call.held() ?? 0, call.credits() ?? 0))),
  );
}

function drawHead() {
  const count = columns.reduce((sum, { calls }) => sum + (calls.at(-1)?.events.length ?? 0), 0);
  badge("event-count", count);
  badge(
    "answer-count",
    columns.reduce((sum, { calls }) => sum + calls.length, 0),
  );
  const sentence = verdict(columns);
  byId("verdict").hidden = columns.length < 2;
  byId("verdict").replaceChildren(
    ...sentence.map((part, index) =>
      h(index ? "span" : "strong", { class: index ? "small soft" : null }, part),
    ),
  );
}

function badge(id, count) {
  byId(id).hidden = !count;
  byId(id).textContent = grouped(count);
}

function drawSwitch() {
  const group = byId("column-switch");
  group.hidden = columns.length < 2;
  const show = (place) => {
    byId("panels").dataset.column = place;
    [...group.children].forEach((button, index) =>
      button.setAttribute("aria-pressed", String(index === place)),
    );
  };
  group.replaceChildren(
    ...columns.map(({ model }, place) => h("button", { type: "button", onclick: () => show(place) }, model)),
  );
  show(0);
}

export function choose(name) {
  tab = name;
  for (const one of tabs) {
    const isChosen = one.dataset.tab === name;
    one.setAttribute("aria-selected", String(isChosen));
    one.tabIndex = isChosen ? 0 : -1;
  }
  byId("panels").setAttribute("aria-labelledby", `tab-${name}`);
  for (const { body } of columns) body.scrollTop = 0;
  draw();
}

function onTabKey(event) {
  const shown = tabs.filter((one) => one.checkVisibility());
  const here = shown.indexOf(event.target);
  const next = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: shown.length - 1 }[event.key];
  if (here < 0 || next === undefined) return;
  event.preventDefault();
  const target = shown[(next + shown.length) % shown.length];
  choose(target.dataset.tab);
  target.focus();
}

async function copy() {
  const text = columns
    .map((column) => column.text())
    .join("\n\n")
    .trim();
  const label = byId("copy-panel-label");
  try {
    await navigator.clipboard.writeText(text);
    label.textContent = "Copied";
    say(`Copied ${counted(text.length, "character")}.`);
  } catch {
    label.textContent = "No clipboard";
  }
  setTimeout(() => {
    label.textContent = "Copy";
  }, COPIED_MS);
}

export function start() {
  for (const one of tabs) one.addEventListener("click", () => choose(one.dataset.tab));
  byId("tabs").addEventListener("keydown", onTabKey);
  byId("copy-panel").addEventListener("click", copy);
  on("draft", () => tab !== "events" && draw());
  addEventListener("resize", draw);
  emit("results-ready");
}
