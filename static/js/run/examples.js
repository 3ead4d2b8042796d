// Run this: examples of the documentation run in place. A button's data-run names the <script
// type="application/json"> with the request; the run opens in the example's [data-run-output].
// Escape stops a run, as in the console, and closes one that has ended.
import { startRun } from "./run.js";
import { RunView } from "./view.js";

const running = new Map(); // output element → AbortController

function toggle(button) {
  const output = outputOf(button);
  if (running.has(output)) running.get(output).abort();
  else run(button, output);
}

async function run(button, output) {
  const request = document.getElementById(button.dataset.run).textContent;
  const stop = new AbortController();
  running.set(output, stop);
  const view = opened(output, request);
  label(button, "Stop");
  await startRun({
    body: request,
    signal: stop.signal,
    onHead: (head) => view.head(head),
    onEvent: (event) => view.event(event),
    onEnd: (end) => view.end(end),
    onError: (error) => view.error(error),
  });
  if (running.get(output) === stop) running.delete(output);
  label(button, "Run", " again");
}

function opened(output, request) {
  output.replaceChildren(document.getElementById("run-view").content.cloneNode(true));
  output.hidden = false;
  output.querySelector("[data-run-console]").href = `/developers/console#request=${base64url(request)}`;
  const view = new RunView(output);
  view.begin();
  return view;
}

function close(output) {
  running.get(output)?.abort();
  running.delete(output);
  output.hidden = true;
  output.replaceChildren();
  const button = output.closest("[data-example]").querySelector("[data-run]");
  label(button, "Run", " this");
  button.focus();
}

// A phone has no room for the second word.
function label(button, text, second = "") {
  const place = button.querySelector("[data-run-label]");
  const long = Object.assign(document.createElement("span"), { className: "run-long", textContent: second });
  place.replaceChildren(text, ...(second ? [long] : []));
}

function outputOf(button) {
  return button.closest("[data-example]").querySelector("[data-run-output]");
}

function base64url(text) {
  const bytes = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte));
  return btoa(bytes.join("")).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

// After signing in the reader comes back to the example.
for (const link of document.querySelectorAll("[data-run-sign-in]")) {
  const example = link.closest("[data-example]");
  link.href += `?next=${encodeURIComponent(location.pathname + (example?.id ? `#${example.id}` : ""))}`;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-run]");
  if (button) toggle(button);
  const closing = event.target.closest("[data-run-close]");
  if (closing) close(closing.closest("[data-run-output]"));
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented) return;
  const output = event.target.closest("[data-example]")?.querySelector("[data-run-output]:not([hidden])");
  if (!output) return;
  if (running.has(output)) running.get(output).abort();
  else close(output);
});
