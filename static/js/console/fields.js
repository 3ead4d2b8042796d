// System prompt, tools, schema and parameters: fields that each hold one part of the draft.
import { app, changed, on, root } from "./app.js";
import { missing } from "./capabilities.js";
import { byId, h } from "./dom.js";
import { toolNames } from "./draft.js";
import { counted } from "../run/figures.js";
import { shortened } from "./short_texts.js";
import { parse, pretty } from "./json_text.js";
import { SCHEMA, TOOLS } from "./samples.js";

const SUMMARY_CHARS = 60;
const NOT_SENT = ["", "not sent"];
const CHOICES = {
  thinking: [NOT_SENT, ["adaptive", "adaptive"], ["enabled", "enabled"], ["disabled", "disabled"]],
  stream: [
    ["true", "on"],
    ["", "off"],
  ],
  effort: [NOT_SENT, ...["low", "medium", "high", "xhigh", "max"].map((level) => [level, level])],
  tool_choice: [NOT_SENT, ["auto", "auto"], ["any", "any: must use a tool"], ["none", "none: may not"]],
};
const MORE = ["top_p", "top_k", "tool_choice", "effort", "stop_sequences"];
const parameters = [...document.querySelectorAll("[data-parameter]")];
const toolsField = {
  get: () => byId("tools").value,
  set: (text) => {
    byId("tools").value = text;
  },
};
let toolsEditor = toolsField;
let isEditorAsked = false;

async function loadEditor() {
  if (isEditorAsked) return;
  isEditorAsked = true;
  try {
    const { replace } = await import("../editor/json_editor.js");
    toolsEditor = replace(byId("tools"), {
      nonce: root.nonce,
      label: "Tools, a JSON array",
      describedBy: "tools-problem tools-warnings",
      onChange: writeTools,
    });
  } catch {
    isEditorAsked = false; // no network: the textarea stays, and the next opening tries again
  }
}

function writeTools(text) {
  if (text === app.draft.tools) return;
  app.draft.tools = text;
  changed("tools");
}

function setTools(text) {
  writeTools(text);
  if (toolsEditor.get() !== text) toolsEditor.set(text);
}

function insertTool(event) {
  const tool = TOOLS[event.target.value];
  event.target.value = "";
  const { value } = parse(app.draft.tools.trim() || "[]");
  if (!tool || !Array.isArray(value)) return;
  const others = value.filter((one) => one?.name !== tool.name);
  setTools(pretty([...others, tool]));
}

function formatTools() {
  const { value, problem } = parse(app.draft.tools);
  if (!problem) setTools(pretty(value));
}

function setSchema(text) {
  byId("schema").value = text;
  app.draft.schema = text;
  changed("schema");
}

export function setParameter(name, value) {
  app.draft.parameters[name] = value;
  changed("parameters");
  showParameters();
}

function showParameters() {
  showChoices();
  for (const field of parameters) {
    const value = app.draft.parameters[field.dataset.parameter];
    if (field.value !== value) field.value = value;
  }
  showSummaries();
}

// A value that is no choice stays one, such as a link's: what is sent is what the page shows.
function showChoices() {
  for (const [name, fixed] of Object.entries(CHOICES)) {
    const chosen = app.draft.parameters[name];
    const known = name === "tool_choice" ? [...fixed, ...toolChoices()] : fixed;
    const all = known.some(([value]) => value === chosen) ? known : [...known, [chosen, chosen.replace("tool:", "")]];
    byId(`p-${name}`).replaceChildren(
      ...all.map(([value, label]) => h("option", { value, selected: value === chosen }, label)),
    );
  }
}

function toolChoices() {
  return toolNames(app.draft).map((name) => [`tool:${name}`, name]);
}

// What no model on offer can do says so, and offers no sample; what a link has brought stays to be edited.
function greyOut() {
  byId("tools-sample").disabled = Boolean(missing("tools"));
  byId("schema-sample").disabled = Boolean(missing("structured_output"));
  const reason = missing("thinking");
  if (reason) CHOICES.thinking.find(([value]) => value === "enabled")[1] = `enabled: ${reason}`;
}

function showSummaries() {
  const { draft } = app;
  byId("budget-field").hidden = draft.parameters.thinking !== "enabled";
  byId("system-summary").textContent = shortened(draft.system, SUMMARY_CHARS) || "none";
  byId("system-note").hidden = !draft.isSystemJson;
  byId("tools-summary").textContent =
    toolNames(draft).join(", ") || (draft.tools.trim() ? "" : missing("tools") || "none");
  byId("schema-summary").textContent = draft.schema.trim() ? "on" : missing("structured_output") || "off";
  const set = MORE.filter((name) => draft.parameters[name]);
  byId("more-summary").textContent = set.join(", ");
  const extra = Object.keys(draft.extra);
  byId("extra-note").hidden = !extra.length;
  byId("extra-note").textContent =
    `Also sent, as the request had them: ${extra.join(", ")} (${counted(extra.length, "field")}).`;
}

function showAll() {
  byId("system").value = app.draft.system;
  byId("schema").value = app.draft.schema;
  if (toolsEditor.get() !== app.draft.tools) toolsEditor.set(app.draft.tools);
  showParameters();
}

function bind(id, name) {
  byId(id).addEventListener("input", (event) => {
    app.draft[name] = event.target.value;
    if (name === "system" && !event.target.value) app.draft.isSystemJson = false;
    changed(name);
  });
}

export function start() {
  greyOut();
  bind("system", "system");
  bind("schema", "schema");
  byId("tools").addEventListener("input", (event) => writeTools(event.target.value));
  byId("tools-fold").addEventListener("toggle", (event) => event.target.open && loadEditor());
  byId("tools-sample").addEventListener("change", insertTool);
  byId("tools-format").addEventListener("click", formatTools);
  byId("tools-clear").addEventListener("click", () => setTools(""));
  byId("schema-sample").addEventListener("click", () => setSchema(pretty(SCHEMA)));
  byId("schema-clear").addEventListener("click", () => setSchema(""));
  for (const field of parameters) {
    field.addEventListener("input", () => {
      app.draft.parameters[field.dataset.parameter] = field.value;
      changed("parameters");
    });
  }
  on("draft", (part) => {
    if (part === "all") showAll();
    else if (part === "tools") showParameters();
    else showSummaries();
  });
  showAll();
}
