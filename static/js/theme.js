// The switch between light and dark. Choosing the system's theme deletes the stored choice.
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
}

function label(button) {
  button.setAttribute("aria-label", isDark() ? "Switch to the light theme" : "Switch to the dark theme");
}

function remember(theme) {
  try {
    if (theme) localStorage.setItem("theme", theme);
    else localStorage.removeItem("theme");
  } catch {
    // Storage is disabled: the choice is lost with the page.
  }
}

for (const button of document.querySelectorAll("[data-theme-switch]")) {
  label(button);
  system.addEventListener("change", () => label(button));
  button.addEventListener("click", () => {
    const wanted = isDark() ? "light" : "dark";
    const isSystem = (wanted === "dark") === system.matches;
    if (isSystem) delete root.dataset.theme;
    else root.dataset.theme = wanted;
    remember(isSystem ? null : wanted);
    label(button);
  });
}
