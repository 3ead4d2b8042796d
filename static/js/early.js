// Runs before the first paint: sets the stored theme and language on <html>, so that nothing moves or flashes.
(() => {
  const root = document.documentElement;
  root.classList.add("has-js");
  root.dataset.language = "curl";
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    const language = localStorage.getItem("language");
    if (["curl", "python", "typescript"].includes(language)) root.dataset.language = language;
  } catch {
    // Storage is disabled: the page uses the system's theme and the first language.
  }
  // A page about one language begins with it.
  if (root.dataset.ownLanguage) root.dataset.language = root.dataset.ownLanguage;
})();
