// Keeps what was typed when a form is sent after the session has ended: the sign-in pages lead back to
// the form, which is filled in again. Passwords and hidden fields are never kept.
const KEY = "draft";
const KEPT_MS = 30 * 60_000;
const NOT_KEPT = ["password", "hidden", "file", "submit", "button"];

function fields(form) {
  return [...form.elements].filter((field) => field.name && !NOT_KEPT.includes(field.type));
}

function isTick(field) {
  return field.type === "checkbox" || field.type === "radio";
}

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

function store(draft) {
  try {
    if (draft) sessionStorage.setItem(KEY, JSON.stringify(draft));
    else sessionStorage.removeItem(KEY);
  } catch {
    // Storage is disabled: what was typed is lost with the page.
  }
}

function fill(form, values) {
  for (const field of fields(form)) {
    const typed = values.filter(([name]) => name === field.name).map(([, value]) => value);
    if (isTick(field)) field.checked = typed.includes(field.value);
    else if (typed.length) field.value = typed[0];
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function resume(draft) {
  const isRecent = Date.now() - draft.at < KEPT_MS;
  if (location.pathname.startsWith("/accounts/") && isRecent) {
    store({ ...draft, hasSignedIn: true });
    return;
  }
  store(null);
  if (!draft.hasSignedIn || !isRecent || location.pathname !== draft.page) return;
  const form = [...document.forms].find((one) => one.getAttribute("action") === draft.action);
  if (form) fill(form, draft.values);
}

if (!location.pathname.startsWith("/accounts/")) {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    const values = fields(form)
      .filter((field) => !isTick(field) || field.checked)
      .map((field) => [field.name, field.value]);
    const action = form.getAttribute("action");
    if (values.length) store({ page: location.pathname, action, values, at: Date.now() });
  });
}

const draft = stored();
if (draft) resume(draft);
