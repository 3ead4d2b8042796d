// Images and documents by button, paste and drop; refused files are named before anything is sent.
import { app, changed, config } from "./app.js";
import { byId, say } from "./dom.js";
import { filesOf as partsWithFiles } from "./draft.js";
import { filesOf, refusal, sentBytes, toPart } from "./files.js";
import { bytes, plural } from "./format.js";
import { dismiss, notify } from "./notices.js";

// Kept for the text of the request.
const TEXT_BYTES = 256 * 1024;

function limit() {
  return config.maxBodyBytes - TEXT_BYTES;
}

function used() {
  return partsWithFiles(app.draft).reduce((sum, part) => sum + sentBytes(part), 0);
}

async function add(files, message) {
  dismiss("files");
  const refused = [];
  let added = 0;
  for (const file of files) {
    const reason = refusal(file, { used: used(), limit: limit() });
    if (reason) refused.push(reason);
    else added += await read(file, message, refused);
  }
  if (refused.length) notify("files", "bad", refused.join(" "));
  if (!added) return;
  changed("messages");
  say(`${plural(added, "file")} attached.`);
}

async function read(file, message, refused) {
  try {
    const part = await toPart(file);
    const place = message.parts.findIndex((one) => one.kind === "text");
    message.parts.splice(place < 0 ? message.parts.length : place, 0, part);
    return 1;
  } catch {
    refused.push(`${file.name} could not be read.`);
    return 0;
  }
}

export function attach({ messageAt, messageForFiles }) {
  const input = byId("file-input");
  byId("add-file").addEventListener("click", () => input.click());
  input.addEventListener("change", async () => {
    await add([...input.files], messageForFiles());
    input.value = "";
  });
  byId("file-help").textContent =
    `JPEG, PNG, GIF, WebP, PDF or text, up to ${bytes(Math.floor((limit() * 3) / 4))} in all; or paste and drop.`;
  const column = byId("request-body");
  column.addEventListener("paste", (event) => receive(event, event.clipboardData, messageAt));
  column.addEventListener("drop", (event) => receive(event, event.dataTransfer, messageAt));
  column.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    column.classList.add("is-dropping");
  });
  for (const name of ["dragleave", "drop"])
    column.addEventListener(name, () => column.classList.remove("is-dropping"));
}

function receive(event, transfer, messageAt) {
  const files = filesOf(transfer);
  if (!files.length) return;
  event.preventDefault();
  add(files, messageAt(event.target));
}
