// What went wrong with a call, and what to do about it.
import { config, emit } from "./app.js";
import { callout, h } from "./dom.js";
import { dollars, grouped } from "../run/figures.js";

export function errorBox(call) {
  const { error } = call;
  const status = error.status && error.status !== 200 ? `${error.status} ` : "";
  const kind = error.type ? h("code", { class: "soft small" }, `${status}${error.type}`) : null;
  return callout(
    "bad",
    h("p", {}, h("strong", {}, title(call))),
    h("p", {}, reasonOf(error)),
    advice(call),
    kind && h("p", {}, kind, error.code && h("code", { class: "soft small" }, ` ${error.code}`)),
  );
}

// Of credits the page writes the figures itself; the API's words name fields and addresses.
function reasonOf({ status, message, details = {} }) {
  const { credits_required: most, credits_available: available } = details;
  if (status !== 402 || most === undefined) return message;
  return `This run may cost up to ${grouped(most)} credits, ${dollars(most)}; ${grouped(available)} are available.`;
}

function title({ error, answer }) {
  if (error.kind === "network") return navigator.onLine ? "No connection" : "You are offline";
  if (error.kind === "cut" || answer.content.length) return "The answer broke off";
  return TITLES[error.status] ?? "The call failed";
}

const TITLES = {
  400: "The request is not valid",
  401: "You are signed out",
  402: "Not enough credits",
  403: "Not allowed",
  404: "No such model",
  413: "The request is too large",
  429: "Too many calls",
  504: "The model took too long",
  529: "The model is busy",
};

function advice({ error }) {
  const { status, details = {} } = error;
  if (status === 402) return outOfCredits(details);
  if (status === 401) {
    const signIn = () => emit("sign-in");
    const button = h("button", { type: "button", class: "link-button", onclick: signIn }, "Sign in");
    return h("p", {}, button, ", then run it again: nothing is lost.");
  }
  if (status === 429 || status === 529)
    return h("p", {}, "Nothing was charged. Wait some seconds, then run it again.");
  if (status === 400)
    return h("p", {}, "Nothing was charged. A field that it is about is marked in the request.");
  if (error.kind === "network")
    return h("p", {}, "The request is kept. Run it again when you are connected.");
  return null;
}

function outOfCredits({ affordable_max_tokens: most }) {
  const smaller = most > 0 && ` It fits with max_tokens of ${grouped(most)} or less.`;
  const way = config.canTopUp
    ? link(config.urls.billing, "Top up")
    : "Ask an owner or billing member of the workspace to top up";
  return h("p", {}, "Nothing was charged.", smaller, " ", way, ".");
}

export function link(href, text) {
  return h(
    "a",
    { href, target: "_blank", rel: "noopener" },
    text,
    h("span", { class: "visually-hidden" }, " (opens a new tab)"),
  );
}
