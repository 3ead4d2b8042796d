// The session's end, no network, no credits: said above the columns, without losing what is written.
import { app, config, emit, on } from "./app.js";
import { soon } from "./check.js";
import { grouped } from "../run/figures.js";
import { dismiss, notify } from "./notices.js";
import { link } from "./errors.js";
import * as signIn from "./sign_in.js";

let isSignedOut = false;

function signedOut() {
  if (isSignedOut) return;
  isSignedOut = true;
  notify("session", "warn", "Your session has ended. What is written here stays.", ["Sign in", signIn.open]);
}

// Somebody else has signed in, or chosen another workspace, in another tab: nothing may be billed to that one.
function otherWorkspace() {
  notify(
    "workspace",
    "warn",
    `This page is of ${config.workspace}, and this browser now works in another workspace or as somebody else. Nothing is sent from here. Your draft is kept.`,
    ["Reload for the other workspace", () => location.reload()],
  );
}

function signedIn() {
  dismiss("workspace");
  if (isSignedOut) comeBack(); // signed in again in another tab
}

function comeBack() {
  isSignedOut = false;
  dismiss("session");
  dismiss("workspace");
  signIn.close();
  soon();
  emit("came-back");
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
  on("sign-in", signIn.open);
  on("other-workspace", otherWorkspace);
  signIn.start({ onSignedIn: comeBack });
  on("balance", credits);
  for (const name of ["ended", "came-back"])
    on(name, () => document.body.dispatchEvent(new Event("balance-changed"))); // the pill listens
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
