// Says so when an action or a poll of htmx fails: the network is gone, the session has ended, an error.
const notice = document.getElementById("failure-notice");
const OFFLINE = "No connection to Caicaini. What is shown here may be out of date.";

function box() {
  const dialog = document.querySelector("dialog[open]");
  // Behind a modal dialog a message would be neither seen nor read out.
  return dialog?.querySelector(".confirmation") ?? document.querySelector(".messages");
}

function clear() {
  for (const shown of document.querySelectorAll("[data-failure-notice]")) shown.remove();
}

function tell(text, { link } = {}) {
  if (!notice) return;
  clear();
  const shown = notice.content.firstElementChild.cloneNode(true);
  const words = shown.querySelector("p");
  words.textContent = text;
  if (link) words.append(" ", link);
  box()?.prepend(shown);
}

function signInLink() {
  const link = document.createElement("a");
  const here = location.pathname + location.search;
  link.href = `/accounts/login/?ended=1&next=${encodeURIComponent(here)}`;
  link.textContent = "Sign in again";
  // A page that shows something once stays open beside it.
  if (document.querySelector("[data-shown-once]")) {
    link.target = "_blank";
    link.textContent += " in a new tab";
  }
  return link;
}

function sentence(element, status) {
  const own = element.closest("[data-failure]")?.dataset.failure ?? "";
  const cause = status ? `Our server answered with an error (${status}).` : "There is no connection to our server.";
  return `${cause} ${own || "Nothing was changed."} Try again in a moment.`;
}

function failed(event, status) {
  const element = event.detail.elt;
  if (status === 401) {
    document.documentElement.dataset.session = "ended";
    tell("Your session has ended, so this page no longer updates.", { link: signInLink() });
  } else if (!element.matches("[data-poll]")) {
    tell(sentence(element, status));
  } else if (!status) {
    tell(OFFLINE);
  }
}

document.addEventListener("htmx:responseError", (event) => failed(event, event.detail.xhr.status));
document.addEventListener("htmx:sendError", (event) => failed(event, 0));
document.addEventListener("htmx:timeout", (event) => failed(event, 0));

// The notice of an outage goes into the page's messages; in front of those is a dialog.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status !== 503 || !document.querySelector("dialog[open]")) return;
  event.detail.shouldSwap = false;
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.successful) return;
  delete document.documentElement.dataset.session;
  clear();
});
