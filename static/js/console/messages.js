// The list of messages: edit, add, reorder, delete; its parts are drawn by parts.js.
import { app, changed, on } from "./app.js";
import { byId, h, say } from "./dom.js";
import { newMessage, textPart } from "./draft.js";
import { attach } from "./attachments.js";
import { partView } from "./parts.js";
import { menuButton } from "./popovers.js";

const ROLES = ["user", "assistant", "system"];
const list = byId("messages");

export function addMessage(role) {
  const last = app.draft.messages.at(-1);
  const message = newMessage(role ?? (last?.role === "user" ? "assistant" : "user"));
  app.draft.messages.push(message);
  changed("messages");
  focusOn(message.id);
}

export function focusOn(id) {
  const card = list.querySelector(`[data-id="${id}"]`);
  (card?.querySelector("textarea") ?? card?.querySelector("select"))?.focus();
}

function move(message, step) {
  const { messages } = app.draft;
  const from = messages.indexOf(message);
  const to = from + step;
  if (to < 0 || to >= messages.length) return;
  messages.splice(to, 0, ...messages.splice(from, 1));
  changed("messages");
  focusOn(message.id);
  say(`Message ${to + 1} of ${messages.length}.`);
}

function remove(message) {
  const { messages } = app.draft;
  const place = messages.indexOf(message);
  messages.splice(place, 1);
  if (!messages.length) messages.push(newMessage());
  changed("messages");
  focusOn(messages[Math.min(place, messages.length - 1)].id);
  say("Message deleted.");
}

function insertAfter(message) {
  const { messages } = app.draft;
  const added = newMessage(message.role === "user" ? "assistant" : "user");
  messages.splice(messages.indexOf(message) + 1, 0, added);
  changed("messages");
  focusOn(added.id);
}

function roleSelect(message, number) {
  const choose = (event) => {
    message.role = event.target.value;
    changed("messages");
    list.querySelector(`[data-id="${message.id}"] select`).focus();
  };
  const isResult = message.parts.some((part) => part.kind === "tool_result");
  const name = (role) => (isResult && role === "user" ? "user: tool result" : role);
  const options = ROLES.map((role) =>
    h("option", { value: role, selected: role === message.role }, name(role)),
  );
  return h("select", { class: "role", "aria-label": `Role of message ${number}`, onchange: choose }, options);
}

function addText(message) {
  message.parts.push(textPart());
  changed("messages");
  focusOn(message.id);
}

function menuOf(message, index) {
  const count = app.draft.messages.length;
  const hasText = message.parts.some((part) => part.kind === "text");
  return menuButton(`Message ${index + 1}: more`, [
    { label: "Move up", icon: "up", run: () => move(message, -1), isDisabled: index === 0 },
    { label: "Move down", icon: "down", run: () => move(message, 1), isDisabled: index === count - 1 },
    { label: "Insert below", icon: "plus", run: () => insertAfter(message) },
    !hasText && { label: "Add text", icon: "plus", run: () => addText(message) },
    { label: "Delete", icon: "trash", run: () => remove(message), isBad: true },
  ]);
}

function onKey(event, message) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!event.altKey || !step) return;
  event.preventDefault();
  move(message, step);
}

function card(message, index) {
  const number = index + 1;
  const attributes = {
    class: `message message-${message.role}`,
    "data-id": message.id,
    "data-place": `messages.${index}`,
    onkeydown: (event) => onKey(event, message),
  };
  const head = h(
    "div",
    { class: "message-head" },
    roleSelect(message, number),
    h("span", { class: "gap" }),
    ...menuOf(message, index),
  );
  const parts = message.parts.map((part, place) => partView(part, { message, number, place }));
  return h("li", attributes, head, parts, h("p", { class: "problem", hidden: true }));
}

function draw() {
  list.replaceChildren(...app.draft.messages.map(card));
}

// The message that files without a place of their own go to: the focused one, or the last of the user.
export function messageForFiles() {
  const focused = document.activeElement?.closest?.("#messages [data-id]")?.dataset.id;
  const { messages } = app.draft;
  const target =
    messages.find(({ id, role }) => id === focused && role === "user") ??
    messages.findLast(({ role }) => role === "user");
  if (target) return target;
  const added = newMessage("user");
  messages.push(added);
  return added;
}

export function messageAt(element) {
  const id = element.closest?.("#messages [data-id]")?.dataset.id;
  return (
    app.draft.messages.find((message) => message.id === id && message.role === "user") ?? messageForFiles()
  );
}

export function start() {
  byId("add-message").addEventListener("click", () => addMessage());
  on("draft", (part) => ["messages", "all"].includes(part) && draw());
  draw();
  attach({ messageAt, messageForFiles });
}
