// Share: a link whose fragment holds the request. And what happens with such a link when it is opened.
import { app, config, replaceDraft } from "./app.js";
import { byId, say } from "./dom.js";
import { filesOf, fromRequest, newDraft, withoutFiles } from "./draft.js";
import { grouped, plural } from "./format.js";
import { LONGEST_LINK, linkTo, readFragment } from "./links.js";
import { dismiss, notify } from "./notices.js";
import { prepare } from "./popovers.js";

async function fill() {
  const files = filesOf(app.draft).length;
  const link = await linkTo(location.origin + config.urls.page, withoutFiles(app.draft));
  const isTooLong = link.length > LONGEST_LINK;
  byId("share-link").value = isTooLong ? "" : link;
  byId("share-copy").disabled = isTooLong;
  byId("share-note").textContent = [
    isTooLong
      ? `This request is too long for a link: ${grouped(link.length)} characters, and a link takes ${grouped(LONGEST_LINK)}. Share its JSON from the Request tab.`
      : `${grouped(link.length)} of at most ${grouped(LONGEST_LINK)} characters.`,
    files ? ` ${plural(files, "file")} not included: only the names.` : "",
  ].join("");
}

async function copy() {
  byId("share-link").select();
  try {
    await navigator.clipboard.writeText(byId("share-link").value);
    byId("share-copy-label").textContent = "Copied";
    say("Link copied.");
  } catch {
    say("Selected. Press Ctrl+C to copy.");
  }
}

// A link's members may be anything: only those of a draft are used, each of its own kind.
function asDraft(value) {
  const fresh = newDraft(config.auto);
  const kept = Object.entries(value).filter(
    ([name, one]) => name in fresh && (typeof one === typeof fresh[name] || name === "second"),
  );
  const draft = { ...fresh, ...Object.fromEntries(kept) };
  draft.parameters = { ...fresh.parameters, ...textsOf(value.parameters) };
  draft.messages = value.messages.map(asMessage);
  if (typeof draft.second !== "string") draft.second = null;
  return draft;
}

function textsOf(members = {}) {
  return Object.fromEntries(Object.entries(members).filter(([, one]) => typeof one === "string"));
}

function asMessage({ id, role, parts }) {
  if (typeof role !== "string" || !Array.isArray(parts)) throw new Error("A message in it is damaged.");
  return { id: String(id), role, parts: parts.map(asPart) };
}

function asPart(part) {
  const isKnown = {
    text: typeof part.text === "string",
    file: typeof part.name === "string",
    tool_result: typeof part.toolUseId === "string",
    raw: typeof part.block?.type === "string",
  }[part.kind];
  if (!isKnown) throw new Error("A message in it is damaged.");
  if (part.kind === "text") return { ...part, rest: part.rest ?? {} };
  // Its own thumbnail could be any address.
  return part.kind === "file" ? { ...part, data: null, thumbnail: null } : part;
}

// Returns whether the address held a request. Nothing runs by itself.
export async function openLink() {
  if (location.hash.length < 2) return false;
  const before = app.draft;
  try {
    const found = await readFragment(location.hash);
    if (!found) return false;
    replaceDraft(found.draft ? asDraft(found.draft) : fromRequest(found.request, config.auto));
    sayWhereFrom(
      before,
      found.draft ? "This request came from a link somebody shared." : "This request came from an example.",
    );
  } catch (error) {
    replaceDraft(before);
    notify("link", "warn", `The link could not be read: ${error.message} Your own draft is untouched.`);
  }
  // Reloading must bring back the draft as it is by then, not the link.
  history.replaceState(null, "", config.urls.page);
  return true;
}

function sayWhereFrom(before, where) {
  const back = () => {
    dismiss("link");
    replaceDraft(before);
  };
  notify("link", "info", `${where} Nothing has run: read it first. A run is billed to ${config.workspace}.`, [
    "Back to my draft",
    back,
  ]);
}

export function start() {
  prepare(byId("sharing"), () => {
    byId("share-copy-label").textContent = "Copy the link";
    fill();
  });
  byId("share-copy").addEventListener("click", copy);
  byId("share-link").addEventListener("focus", (event) => event.target.select());
  addEventListener("hashchange", openLink);
}
