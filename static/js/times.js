// Updates relative times while the page is open. The exact one stands beside; the local one is a tooltip.
// The wording is that of web/templatetags/display.py.
const EVERY_MS = 30_000;
const UNITS = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
];
const FAR_S = 30 * 86_400;

function relative(seconds) {
  const distance = Math.abs(seconds);
  if (distance < 60) return seconds < 0 ? "in a moment" : "just now";
  const [size, unit] = UNITS.find(([size]) => distance >= size);
  if (seconds < 0) return `in ${Math.round(distance / size)} ${unit}`;
  return `${Math.floor(distance / size)} ${unit} ago`;
}

function refresh(scope) {
  for (const element of scope.querySelectorAll("time[data-relative]")) {
    const moment = new Date(element.dateTime);
    const seconds = (Date.now() - moment) / 1000;
    if (Math.abs(seconds) < FAR_S) {
      const text = relative(seconds);
      if (element.textContent !== text) element.textContent = text;
    }
    if (!element.dataset.local) {
      element.dataset.local = "shown";
      element.title = `${moment.toLocaleString()} local time`;
    }
  }
}

refresh(document);
setInterval(() => refresh(document), EVERY_MS);
document.addEventListener("htmx:load", (event) => refresh(event.detail.elt.parentElement ?? document));
