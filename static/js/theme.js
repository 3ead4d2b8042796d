// The menu of themes: light, dark, or the system's, which is the same as no stored choice.
const root = document.documentElement;
const choices = document.querySelectorAll("[data-theme-choice]");

function mark() {
  const chosen = root.dataset.theme ?? "system";
  for (const button of choices) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === chosen));
  }
}

function remember(theme) {
  try {
    if (theme) localStorage.setItem("theme", theme);
    else localStorage.removeItem("theme");
  } catch {
    // Storage is disabled: the choice is lost with the page.
  }
}

for (const button of choices) {
  button.addEventListener("click", () => {
    const theme = button.dataset.themeChoice;
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    remember(root.dataset.theme);
    mark();
    const menu = button.closest("details");
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
mark();
