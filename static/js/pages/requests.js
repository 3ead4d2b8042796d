// Pauses the live tail of a log while its rows are pointed at, focused or scrolled away from, and
// while Pause is pressed. The log is replaced by each poll, so that its state is kept here.
let isPressed = false;

function isBusy(log) {
  const rows = log.querySelector(".table-scroll");
  if (!rows) return false;
  return rows.matches(":hover") || rows.contains(document.activeElement) || log.getBoundingClientRect().top < 0;
}

function draw() {
  const log = document.querySelector("[data-tail]");
  if (!log) return;
  log.dataset.tail = isPressed || isBusy(log) ? "paused" : "live";
  const button = log.querySelector("[data-tail-pause]");
  button.setAttribute("aria-pressed", String(isPressed));
}

document.addEventListener("htmx:beforeRequest", (event) => {
  const log = event.detail.elt;
  if (log.matches("[data-tail]") && (isPressed || isBusy(log))) event.preventDefault();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-tail-pause]")) return;
  isPressed = !isPressed;
  draw();
});

for (const name of ["pointerover", "focusin", "focusout", "scroll", "htmx:afterSettle"]) {
  document.addEventListener(name, draw, { passive: true });
}
