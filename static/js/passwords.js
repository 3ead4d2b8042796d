// "Show" beside a password field; it is hidden again before the form is sent, for password managers.
function show(button, isShown) {
  const field = document.getElementById(button.getAttribute("aria-controls"));
  field.type = isShown ? "text" : "password";
  button.setAttribute("aria-pressed", String(isShown));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-show-password]");
  if (button) show(button, button.getAttribute("aria-pressed") !== "true");
});

document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("[data-show-password]")) show(button, false);
});
