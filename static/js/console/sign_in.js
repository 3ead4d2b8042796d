// The dialog that signs in again in place: what is written and what runs on the page stays.
import { csrfToken } from "../run/run.js";
import { config } from "./app.js";
import { byId, say } from "./dom.js";

const dialog = byId("sign-in");
const form = byId("sign-in-form");
const problem = byId("sign-in-problem");
const NO_ANSWER = "The server did not answer. Check your connection, then try again.";

export function open() {
  if (dialog.open) return;
  tell("");
  dialog.showModal();
  renewTokens();
}

export function close() {
  form.querySelector("[name=password]").value = "";
  dialog.close();
}

// The forms that lead to another service are as old as the page; the cookie may have changed since.
async function renewTokens() {
  const tokens = dialog.querySelectorAll("[name=csrfmiddlewaretoken]");
  if (!tokens.length) return;
  await ask({}).catch(() => null);
  for (const token of tokens) token.value = csrfToken() || token.value;
}

function tell(text) {
  problem.textContent = text;
  problem.hidden = !text;
}

// The page asks for JSON in the place of pages: https://docs.allauth.org/en/latest/account/advanced.html
function ask(members) {
  return fetch(config.urls.signIn, { ...members, headers: { "x-requested-with": "XMLHttpRequest", ...members.headers } });
}

async function signIn() {
  await ask({}); // sets the cookie of the CSRF token, which may have gone with the session
  const body = new URLSearchParams(new FormData(form));
  body.set("next", config.urls.page);
  return ask({ method: "POST", body, headers: { "x-csrftoken": csrfToken() } });
}

async function send(event, onSignedIn) {
  event.preventDefault();
  byId("sign-in-send").disabled = true;
  try {
    const response = await signIn();
    const answer = await response.json();
    if (!response.ok) return tell(reasonOf(answer));
    if (answer.location !== config.urls.page) return goOn(answer.location);
    close();
    say("Signed in.");
    onSignedIn();
  } catch {
    tell(NO_ANSWER); // or a page in the place of an answer: it refused the request itself
  } finally {
    byId("sign-in-send").disabled = false;
  }
}

function reasonOf({ form: answered }) {
  const fields = Object.values(answered?.fields ?? {});
  const reasons = [...(answered?.errors ?? []), ...fields.flatMap(({ errors }) => errors)];
  byId("sign-in-password").select();
  return reasons.join(" ") || NO_ANSWER;
}

// Some sign-ins take one more step, such as confirming the address.
function goOn(address) {
  window.open(address, "_blank", "noopener");
  tell("One more step is needed: it has opened in a new tab. Come back to this one afterwards.");
}

export function start({ onSignedIn }) {
  form.addEventListener("submit", (event) => send(event, onSignedIn));
  byId("sign-in-close").addEventListener("click", close);
}
