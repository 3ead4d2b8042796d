// One part of a message as an element: text, a file, a tool's result, or a block kept as it is.
import { app, changed } from "./app.js";
import { isOffered } from "./capabilities.js";
import { h, icon, iconButton } from "./dom.js";
import { bytes, counted } from "../run/figures.js";
import { shortened } from "./short_texts.js";
import { coloured, pretty } from "./json_text.js";

const SHOWN_CHARS = 120;
const NAMES = { tool_use: "called", thinking: "thought", redacted_thinking: "thought, redacted" };

export function partView(part, context) {
  return DRAWN[part.kind](part, context);
}

function textView(part, { message, number, place }) {
  const write = (event) => {
    part.text = event.target.value;
    changed("text");
  };
  const label = `Message ${number}, ${message.role}${place ? `, part ${place + 1}` : ""}`;
  const takesFiles = isOffered("images") || isOffered("documents");
  const hint =
    message.role === "assistant"
      ? "The answer begins with this"
      : `Write a message${takesFiles ? "; paste or drop images and PDF here" : ""}`;
  const area = h("textarea", {
    class: "message-text",
    rows: "2",
    "aria-label": label,
    placeholder: hint,
    oninput: write,
  });
  area.value = part.text;
  const others = Object.keys(part.rest);
  return h(
    "div",
    { class: "part" },
    area,
    others.length > 0 && h("p", { class: "field-help" }, "with ", h("code", {}, others.join(", "))),
  );
}

function removeButton(part, { message }, name) {
  const remove = () => {
    message.parts = message.parts.filter((one) => one !== part);
    changed("messages");
    document.querySelector(`[data-id="${message.id}"] :is(textarea, select)`)?.focus();
  };
  return iconButton("close", `Remove ${name}`, remove);
}

function fileView(part, context) {
  const picture = part.thumbnail
    ? h("img", { src: part.thumbnail, alt: "", class: "thumbnail" })
    : h("span", { class: "thumbnail" }, icon(part.type === "image" ? "image" : "file"));
  const missing =
    part.data === null &&
    h(
      "span",
      { class: "small warn" },
      icon("alert"),
      " its data is not kept here: attach it again, or remove it",
    );
  return h(
    "div",
    { class: "part part-file" },
    picture,
    h(
      "span",
      { class: "file-text" },
      h("bdi", {}, shortened(part.name, SHOWN_CHARS)),
      h("span", { class: "small soft" }, `${part.mediaType}, ${bytes(part.size)}`),
      missing,
    ),
    removeButton(part, context, part.name),
  );
}

function resultView(part, { number }) {
  const write = (event) => {
    part.text = event.target.value;
    changed("text");
  };
  const fail = (event) => {
    part.isError = event.target.checked;
    changed("text");
  };
  const area = h("textarea", {
    class: "message-text code-input",
    rows: "2",
    spellcheck: "false",
    "aria-label": `Message ${number}, result of ${part.name || part.toolUseId}`,
    oninput: write,
  });
  area.value = part.text;
  const box = h("input", { type: "checkbox", checked: part.isError, onchange: fail });
  return h(
    "div",
    { class: "part" },
    h("p", { class: "part-note" }, icon("wrench"), " result of ", h("code", {}, part.name || part.toolUseId)),
    area,
    h(
      "p",
      { class: "part-note" },
      "entered by hand",
      h("label", { class: "choice-small" }, box, "is an error"),
    ),
  );
}

function rawView(part, context) {
  const { block } = part;
  const summary = h("summary", {}, icon("chevron", "fold-mark"), icon(block.type === "tool_use" ? "wrench" : "file"), ...summaryOf(block));
  const code = h("pre", { tabindex: "0", class: "code-text" }, ...coloured(pretty(block)));
  const view = h("details", { class: "part part-raw" }, summary, code);
  return h("div", { class: "part-row" }, view, removeButton(part, context, `the ${block.type} block`));
}

function summaryOf(block) {
  if (block.type === "tool_use")
    return [
      " called ",
      h("code", {}, block.name),
      h("span", { class: "soft" }, ` ${shortened(JSON.stringify(block.input ?? {}), 60)}`),
    ];
  if (block.type === "thinking") return [` thought, ${counted(block.thinking?.length ?? 0, "character")}`];
  return [` ${NAMES[block.type] ?? block.type}`];
}

const DRAWN = { text: textView, file: fileView, tool_result: resultView, raw: rawView };

export const MISSING_DATA = {
  place: "messages",
  message: "Attach the files again whose data is not kept here, or remove them.",
};

// Whether the draft names files whose data is not here.
export function hasMissingData() {
  return app.draft.messages.some(({ parts }) =>
    parts.some((part) => part.kind === "file" && part.data === null),
  );
}
