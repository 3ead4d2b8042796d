// Sends a form only once, and shows that it waits: a second click before the answer does nothing.
const spoken = document.getElementById("spoken");

function wait(form, button) {
  form.dataset.sent = "yes";
  button?.classList.add("is-waiting");
  button?.setAttribute("aria-disabled", "true");
  if (spoken) spoken.textContent = "Sending…";
}

function ready(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll(".is-waiting")) {
    button.classList.remove("is-waiting");
    button.removeAttribute("aria-disabled");
  }
  if (spoken) spoken.textContent = "";
}

// In the capturing phase: htmx cancels the event of a form that it sends itself.
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    wait(form, event.submitter ?? form.querySelector("button[type=submit]"));
  },
  true,
);

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt.matches("form")) ready(event.detail.elt);
});

// The back button may restore the page with its submitted form.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) ready(form);
});
