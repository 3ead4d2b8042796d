// The session's end, no network, no credits: said above the columns, without losing what is written.
import { app, config, on } from "./app.js";
import { soon } from "./check.js";
import { grouped } from "./format.js";
import { dismiss, notify } from "./notices.js";
import { link } from "./errors.js";

let isSignedOut = false;

function signedOut() {
  if (isSignedOut) return;
  isSignedOut = true;
  notify("session", "warn", [
    "Your session has ended. What is written here stays. ",
    link(`${config.urls.signIn}?next=${encodeURIComponent(config.urls.page)}`, "Sign in in a new tab"),
    ", then come back to this one and go on.",
  ]);
}

function signedIn() {
  if (!isSignedOut) return;
  isSignedOut = false;
  dismiss("session");
}

function offline() {
  notify("network", "warn", "You are offline. Your draft is kept; Run works again when you are connected.");
}

function credits({ balance, available, held, isShort }) {
  app.balance = balance;
  if (!isShort) return dismiss("credits");
  const way = config.canTopUp
    ? [link(config.urls.billing, "Top up"), "."]
    : ["Ask an owner or billing member of the workspace to top up."];
  if (balance <= 0)
    return notify("credits", "warn", ["There are no credits left: the next call will be refused. ", ...way]);
  const waiting =
    held > 0
      ? ` ${grouped(held)} of your ${grouped(balance)} credits are held by calls that still run; what they do not use comes back when they end.`
      : "";
  notify("credits", "warn", [
    `The next run may cost more than the ${grouped(available)} credits available.${waiting} Lower max_tokens, or `,
    ...way,
  ]);
}

export function start() {
  on("signed-out", signedOut);
  on("signed-in", signedIn);
  on("balance", credits);
  on("ended", () => document.body.dispatchEvent(new Event("balance-changed"))); // the pill listens
  // The frame's poll of the balance would reload the page, and what was written and answered with it.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.status !== 401) return;
    event.preventDefault();
    signedOut();
  });
  addEventListener("offline", offline);
  addEventListener("online", () => {
    dismiss("network");
    soon();
  });
  // Back from the tab where somebody signed in: ask again.
  addEventListener("focus", () => isSignedOut && soon());
  document.addEventListener("visibilitychange", () => !document.hidden && isSignedOut && soon());
  if (!navigator.onLine) offline();
}
