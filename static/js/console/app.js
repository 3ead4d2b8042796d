// What the modules of the console share: configuration, the draft, and messages between them.
import { byId } from "./dom.js";
import { newDraft } from "./draft.js";
import { Storage } from "./storage.js";

const bus = new EventTarget();
const SAVE_AFTER_MS = 300;

export const config = JSON.parse(byId("console-config").textContent);
export const root = byId("console");
export const storage = new Storage(config.owner);
export const app = { draft: newDraft(config.auto), isRunning: false };

export function on(name, listener) {
  bus.addEventListener(name, (event) => listener(event.detail));
}

export function emit(name, detail) {
  bus.dispatchEvent(new CustomEvent(name, { detail }));
}

// Call after each change of the draft; `part` says which: "messages", "text", "model", "all" …
export function changed(part) {
  emit("draft", part);
  clearTimeout(app.saving);
  app.saving = setTimeout(save, SAVE_AFTER_MS);
}

export function save() {
  clearTimeout(app.saving);
  const isWhole = storage.saveDraft(app.draft);
  emit("saved", isWhole);
}

export function replaceDraft(draft) {
  app.draft = draft;
  changed("all");
}

// The server refuses what a page of another workspace sends: it would be billed to the wrong one.
export function pageHeaders() {
  return { "caicaini-page-of": config.owner };
}

export function modelById(id) {
  return config.models.find((model) => model.id === id) ?? null;
}

addEventListener("pagehide", save);
