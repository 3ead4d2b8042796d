// The search field as a combobox: htmx fetches the list, this moves through it. "/" focuses the field.
const field = document.querySelector("[data-search]");
const list = document.getElementById("found");
const form = field.form;

const options = () => [...list.querySelectorAll("[role=option]")];
const active = () => document.getElementById(field.getAttribute("aria-activedescendant"));

field.setAttribute("role", "combobox");
field.setAttribute("aria-autocomplete", "list");
field.setAttribute("aria-controls", list.id);
field.setAttribute("aria-expanded", "false");

function show(isShown) {
  list.hidden = !isShown;
  field.setAttribute("aria-expanded", String(isShown && options().length > 0));
  if (!isShown) choose(null);
}

function choose(option) {
  active()?.setAttribute("aria-selected", "false");
  if (!option) {
    field.removeAttribute("aria-activedescendant");
    return;
  }
  option.setAttribute("aria-selected", "true");
  field.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

// Above the first option and below the last one the field itself is active.
function step(by) {
  const all = options();
  const at = all.indexOf(active());
  const next = at === -1 && by < 0 ? all.length - 1 : at + by;
  choose(all[next]);
  show(true);
}

function enter() {
  if (active()) active().click();
  else form.requestSubmit();
}

function say() {
  const count = options().length;
  const nothing = list.querySelector("[data-nothing]")?.textContent ?? "";
  document.getElementById("spoken").textContent = count ? `${count} results. Arrow keys move through them.` : nothing;
}

const keys = {
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  Enter: enter,
  Escape: () => {
    if (list.hidden) field.blur();
    show(false);
  },
};

field.addEventListener("keydown", (event) => {
  const act = keys[event.key];
  if (!act || event.isComposing) return;
  event.preventDefault();
  act();
});

// A list that comes late, for what was typed before an arrow, keeps the choice.
let chosen = null;
list.addEventListener("htmx:beforeSwap", () => {
  chosen = active()?.getAttribute("href") ?? null;
});
list.addEventListener("htmx:afterSwap", () => {
  choose(options().find((option) => option.getAttribute("href") === chosen) ?? null);
  show(document.activeElement === field && field.value.trim() !== "");
  say();
});

field.addEventListener("focus", () => show(list.childElementCount > 0 && field.value.trim() !== ""));
form.addEventListener("focusout", (event) => {
  if (!form.contains(event.relatedTarget)) show(false);
});
// A press on a result must not take the focus first: the list would close under the pointer.
list.addEventListener("mousedown", (event) => event.preventDefault());

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  field.focus();
  field.select();
});
