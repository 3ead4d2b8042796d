// Images and documents by button, paste and drop; refused files are named before anything is sent.
import { app, changed, config } from "./app.js";
import { isOffered, missing } from "./capabilities.js";
import { byId, say } from "./dom.js";
import { filesOf as partsWithFiles } from "./draft.js";
import { filesOf, refusal, sentBytes, toPart } from "./files.js";
import { bytes, counted } from "../run/figures.js";
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
    const reason = refusal(file, { used: used(), limit: limit(), missing });
    if (reason) refused.push(reason);
    else added += await read(file, message, refused);
  }
  if (refused.length) notify("files", "bad", refused.join(" "));
  if (!added) return;
  changed("messages");
  say(`${counted(added, "file")} attached.`);
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

// Text becomes part of the prompt, so that every model takes it.
function sayWhatIsTaken(input) {
  const kinds = [isOffered("images") && "image", isOffered("documents") && "PDF", "text"].filter(Boolean);
  const label = kinds.length > 1 ? `${kinds.slice(0, -1).join(", ")} or text` : "text file";
  byId("add-file-label").textContent = label.replace(/^./, (first) => first.toUpperCase());
  const names = { image: "JPEG, PNG, GIF, WebP", PDF: "PDF", text: "text" };
  const types = kinds.map((kind) => names[kind]).join(", ");
  const absent = ["images", "documents"].map(missing).filter(Boolean);
  byId("file-help").textContent = [
    `${types.replace(/, text$/, " or text").replace(/^t/, "T")}, up to ${bytes(Math.floor((limit() * 3) / 4))} in all; or paste and drop.`,
    ...absent.map((reason) => ` ${reason.replace(/^./, (first) => first.toUpperCase())}.`),
  ].join("");
  const accepted = input.accept.split(",").filter((type) => {
    if (type.startsWith("image/")) return isOffered("images");
    return type !== "application/pdf" || isOffered("documents");
  });
  input.accept = accepted.join(",");
}

export function attach({ messageAt, messageForFiles }) {
  const input = byId("file-input");
  byId("add-file").addEventListener("click", () => input.click());
  input.addEventListener("change", async () => {
    await add([...input.files], messageForFiles());
    input.value = "";
  });
  sayWhatIsTaken(input);
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
