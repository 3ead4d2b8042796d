// Removes the notice of an outage as soon as a request is answered again.
document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.successful) return;
  for (const notice of document.querySelectorAll("[data-outage]")) notice.remove();
});
