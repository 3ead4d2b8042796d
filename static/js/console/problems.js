// Puts a message beside the field it is about: our own checks', and the server's by its path.
import { byId, h } from "./dom.js";

const OPENED = { system: "system-fold", tools: "tools-fold", schema: "schema-fold" };
const IN_MORE = new Set(["top_p", "top_k", "tool_choice", "stop_sequences"]);

// The place for a path of the API, such as tools.0.input_schema, or null.
export function placeOf(path) {
  const [first, second] = path.split(".");
  if (first === "messages" && /^\d+$/.test(second ?? "")) return `messages.${second}`;
  if (first === "output_config" || first === "output_format") return "schema";
  if (path.startsWith("thinking.budget_tokens")) return "budget_tokens";
  return fieldOf(first) ? first : null;
}

// Splits "tools.0.name: Field required" into its path and reason.
export function split(message) {
  const found = /^([a-z_]+(?:\.[\w-]+)*): /.exec(message);
  return found ? { path: found[1], reason: message.slice(found[0].length) } : { path: "", reason: message };
}

export function clear() {
  for (const line of document.querySelectorAll(".problem:not([hidden])")) line.hidden = true;
  for (const field of document.querySelectorAll(".request [aria-invalid]"))
    field.removeAttribute("aria-invalid");
  byId("tools-summary").classList.remove("bad");
}

// Shows [{ path, reason }] that do not keep a request from being run, in the places of their fields.
export function warn(warnings) {
  for (const list of document.querySelectorAll("[data-warnings]")) {
    const own = warnings.filter(({ path }) => placeOf(path) === list.dataset.warnings);
    list.hidden = !own.length;
    list.replaceChildren(
      ...own.map(({ path, reason }) => h("p", {}, h("code", {}, path), `: ${reason}.`)),
      h("p", { class: "soft" }, "The call can be made. A model’s own server may refuse it."),
    );
  }
}

// Shows problems [{ place, message }]; returns those that have no place.
export function show(problems) {
  clear();
  return problems.filter(({ place, message }) => !showOne(place, message));
}

function showOne(place, message) {
  const line = place && fieldOf(place);
  if (!line) return false;
  line.textContent = message;
  line.hidden = false;
  controlOf(place)?.setAttribute("aria-invalid", "true");
  return true;
}

function fieldOf(place) {
  if (place.startsWith("messages."))
    return document.querySelector(`.message[data-place="${place}"] > .problem`);
  return document.querySelector(`.problem[data-place="${place}"]`);
}

function controlOf(place) {
  if (place.startsWith("messages."))
    return document.querySelector(`.message[data-place="${place}"] textarea`);
  return byId(`p-${place}`) ?? byId(place);
}

// Moves the focus to the first field with a problem, opening what hides it.
export function focusFirst(problems) {
  const place = problems.find((problem) => problem.place && fieldOf(problem.place))?.place;
  if (!place) return;
  const fold = OPENED[place] ?? (IN_MORE.has(place) && "more-fold");
  if (fold) byId(fold).open = true;
  const control = controlOf(place);
  if (control?.hidden) control.parentElement.querySelector(".cm-content")?.focus();
  else control?.focus();
}
