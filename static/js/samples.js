// Tabs over code samples: one stored choice of language for all samples on all pages.
const root = document.documentElement;

// A box without the chosen language shows its first one.
function shownTab(box) {
  const chosen = box.querySelector(`.samples-tab[data-language="${root.dataset.language}"]`);
  return chosen ?? box.querySelector(".samples-tab");
}

function mark() {
  for (const tab of document.querySelectorAll(".samples-tab")) {
    const isChosen = tab === shownTab(tab.closest(".samples"));
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
  }
}

function choose(tab) {
  const top = tab.getBoundingClientRect().top;
  root.dataset.language = tab.dataset.language;
  mark();
  // Samples above may have changed their height: scroll to keep the tab under the pointer.
  scrollBy({ top: tab.getBoundingClientRect().top - top, behavior: "instant" });
  try {
    localStorage.setItem("language", tab.dataset.language);
  } catch {
    // Storage is disabled: the choice is lost with the page.
  }
}

function neighbour(tab, step) {
  const tabs = [...tab.parentElement.querySelectorAll(".samples-tab")];
  return tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
}

document.addEventListener("click", (event) => {
  const tab = event.target.closest(".samples-tab");
  if (tab) choose(tab);
});

document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.(".samples-tab");
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!tab || !step) return;
  event.preventDefault();
  const next = neighbour(tab, step);
  choose(next);
  next.focus();
});

document.addEventListener("htmx:afterSwap", mark);
mark();
