// Skips polls while the tab is hidden or the session has ended; polls at once when the tab is looked at.
const root = document.documentElement;

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!event.detail.elt.matches("[data-poll]")) return;
  const isLookedAt = event.detail.requestConfig.triggeringEvent?.type === "looked-at";
  if (document.hidden || (root.dataset.session === "ended" && !isLookedAt)) event.preventDefault();
});

function pollAll() {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-poll]")) {
    element.dispatchEvent(new CustomEvent("looked-at", { bubbles: false }));
  }
}

document.addEventListener("visibilitychange", pollAll);
// The back button may show a page as it was when it was left.
addEventListener("pageshow", (event) => {
  if (event.persisted) pollAll();
});
