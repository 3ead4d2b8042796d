// Sentences above the columns: what came from a link, that the session ended, that there is no network.
import { byId, callout, h, iconButton } from "./dom.js";

const list = byId("notices");

// Shows a notice, in the place of one with the same name; `actions` are [label, run] pairs.
export function notify(name, level, text, ...actions) {
  dismiss(name);
  const buttons = actions.map(([label, run]) =>
    h("button", { type: "button", class: "link-button", onclick: run }, label),
  );
  const box = callout(
    level,
    h("p", {}, ...[].concat(text)),
    buttons.length > 0 && h("p", { class: "row" }, ...buttons),
  );
  box.dataset.notice = name;
  box.setAttribute("role", level === "bad" || level === "warn" ? "alert" : "status");
  box.append(iconButton("close", "Dismiss", () => dismiss(name)));
  list.append(box);
}

export function dismiss(name) {
  list.querySelector(`[data-notice="${name}"]`)?.remove();
}
