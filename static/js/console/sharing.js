// Share: a link whose fragment holds the request. And what happens with such a link when it is opened.
import { app, config, replaceDraft } from "./app.js";
import { byId, say } from "./dom.js";
import { asDraft } from "./checked_draft.js";
import { filesOf, fromRequest, withoutFiles } from "./draft.js";
import { counted, grouped } from "../run/figures.js";
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
    files ? ` ${counted(files, "file")} not included: only the names.` : "",
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

// The pictures of a link could be any address; the data of its files is not in it.
function withoutPictures(draft) {
  for (const file of filesOf(draft)) Object.assign(file, { data: null, thumbnail: null });
  return draft;
}

// Returns whether the address held a request. Nothing runs by itself.
export async function openLink() {
  if (location.hash.length < 2) return false;
  const before = app.draft;
  try {
    const found = await readFragment(location.hash);
    if (!found) return false;
    replaceDraft(
      found.draft
        ? withoutPictures(asDraft(found.draft, config.auto))
        : asDraft(fromRequest(found.request, config.auto), config.auto),
    );
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
