// The chart of the usage page: the pointer, a finger or the arrow keys choose a time; the read-out beside
// the chart then shows that row of the table below. Without a choice it shows the whole range.
import { csrfToken } from "../run/run.js";

const FIGURES = ["total", "before", "requests", "errors", "cached", "p50", "p95"];
const MOVES = { ArrowLeft: -1, ArrowRight: 1 };

// The time that was chosen by key, which a refresh of the page keeps.
let chosen = null;
let whole = null;

const row = (place) => document.querySelector(`#chart-table tr[data-place="${place}"]`);
const rows = () => document.querySelectorAll("#chart-table tr[data-place]");

function texts(readOut, name) {
  return [...readOut.querySelectorAll(`[data-read="${name}"]`)];
}

function write(readOut, name, text) {
  for (const place of texts(readOut, name)) place.textContent = text;
}

function show(place) {
  const readOut = document.getElementById("read-out");
  const from = row(place);
  if (!readOut || !from) return;
  whole ??= readOut.cloneNode(true);
  const data = from.dataset;
  write(readOut, "words", data.words);
  write(readOut, "dollars", data.dollars);
  write(readOut, "before-time", data.beforeTime);
  write(readOut, "change", data.change);
  const amounts = [...from.querySelectorAll('[data-cell="amount"]')];
  texts(readOut, "amount").forEach((cell, at) => (cell.textContent = amounts[at]?.textContent ?? ""));
  const shares = data.shares.split("|");
  texts(readOut, "share").forEach((cell, at) => (cell.textContent = shares[at] ?? ""));
  for (const name of FIGURES) write(readOut, name, from.querySelector(`[data-cell="${name}"]`)?.textContent ?? "");
  const link = readOut.querySelector("[data-read-link]");
  link.href = from.querySelector("a").href;
  const requests = from.querySelector('[data-cell="requests"]').textContent;
  link.textContent = `Its ${requests} request${requests === "1" ? "" : "s"}`;
  mark(place);
}

function mark(place) {
  for (const column of document.querySelectorAll("#chart [data-place]")) {
    column.classList.toggle("is-chosen", place !== null && column.dataset.place === String(place));
  }
}

function showWhole() {
  const readOut = document.getElementById("read-out");
  if (readOut && whole) readOut.replaceWith(whole);
  whole = null;
  mark(null);
}

function speak() {
  const readOut = document.getElementById("read-out");
  const parts = [...readOut.querySelectorAll("h3, dl > div")].map((part) => part.innerText.replace(/\s+/g, " ").trim());
  readOut.querySelector("[data-read-spoken]").textContent = parts.join("; ");
}

// Shows what the pointer is at, else what was chosen by key, else the whole range.
function settle() {
  if (chosen === null) showWhole();
  else show(chosen);
}

function move(key) {
  const last = rows().length - 1;
  if (key === "Home") return 0;
  if (key === "End") return last;
  if (chosen === null) return key === "ArrowLeft" ? last : 0;
  return Math.min(last, Math.max(0, chosen + MOVES[key]));
}

document.addEventListener("keydown", (event) => {
  if (event.target.id !== "chart" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in MOVES || event.key === "Home" || event.key === "End") {
    event.preventDefault();
    chosen = move(event.key);
    show(chosen);
    speak();
  } else if (event.key === "Escape") {
    chosen = null;
    settle();
  } else if (event.key === "Enter" && chosen !== null) {
    row(chosen)?.querySelector("a").click();
  }
});

document.addEventListener("pointerover", (event) => {
  const column = event.target.closest?.("#chart [data-place]");
  if (column) show(Number(column.dataset.place));
});
document.addEventListener("pointerout", (event) => {
  if (event.pointerType !== "touch" && event.target.closest?.("#chart") && !event.relatedTarget?.closest?.("#chart [data-place]")) settle();
});
// A first tap chooses, a second one on the same bar opens its calls.
document.addEventListener("click", (event) => {
  const column = event.target.closest?.("#chart [data-place]");
  if (!column || event.pointerType !== "touch") return;
  const place = Number(column.dataset.place);
  if (chosen !== place) event.preventDefault();
  chosen = place;
  show(place);
});

// A refresh keeps what is chosen, and what is unfolded.
let unfolded = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "dashboard") return;
  unfolded = [...document.querySelectorAll("#dashboard details[open]")].map((one) => one.id);
});
document.addEventListener("htmx:load", (event) => {
  if (event.detail.elt.id !== "dashboard") return;
  whole = null;
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  unfolded = [];
  if (chosen !== null && document.activeElement?.id === "chart") show(chosen);
  else chosen = null;
});

// The browser tells its time zone once; after that it is a setting.
async function tellZone(dashboard) {
  const body = new FormData();
  body.set("time_zone", Intl.DateTimeFormat().resolvedOptions().timeZone);
  body.set("detected", "1");
  const headers = { "x-csrftoken": csrfToken() };
  const answer = await fetch(dashboard.dataset.detectZone, { method: "POST", body, headers });
  if (answer.ok) dashboard.dispatchEvent(new CustomEvent("looked-at"));
}
document.addEventListener("htmx:load", () => {
  const dashboard = document.querySelector("[data-detect-zone]");
  if (!dashboard || dashboard.dataset.told) return;
  dashboard.dataset.told = "yes";
  tellZone(dashboard).catch(() => {});
});
