// Reads files into message parts: size and type are checked before anything is read.
import { bytes } from "../run/figures.js";

const IMAGES = ["image/jpeg", "image/png", "image/gif", "image/webp"];
const TEXTS =
  /\.(txt|md|markdown|csv|tsv|json|jsonl|xml|ya?ml|toml|ini|log|html?|css|js|ts|py|rb|go|rs|java|c|h|cpp|sql|sh)$/i;
const NEEDS = { image: "images", pdf: "documents" };
const THUMBNAIL_PX = 96;
const BASE64_GROWTH = 4 / 3;

// A reason not to attach the file, or null. `used` is what the request has in files, in bytes as sent;
// `missing` says why no model can take a kind of file, or "".
export function refusal(file, { used, limit, missing = () => "" }) {
  const kind = kindOf(file);
  if (!kind) return `${file.name}: attach JPEG, PNG, GIF or WebP images, PDF or text.`;
  const reason = kind !== "text" && missing(NEEDS[kind]);
  if (reason) return `${file.name} is not attached: ${reason}.`;
  if (!file.size) return `${file.name} is empty.`;
  if (file.size * BASE64_GROWTH + used <= limit) return null;
  const most = bytes(Math.floor(limit / BASE64_GROWTH));
  const already = used ? ` with what is attached already` : "";
  return `${file.name} is ${bytes(file.size)}: a request takes up to ${most} of files${already}. Make it smaller first; nothing was sent.`;
}

function kindOf(file) {
  if (IMAGES.includes(file.type)) return "image";
  if (file.type === "application/pdf") return "pdf";
  if (file.type.startsWith("text/") || file.type === "application/json" || TEXTS.test(file.name))
    return "text";
  return null;
}

// Bytes of a part as it is sent.
export function sentBytes(part) {
  return part.data ? part.data.length : 0;
}

export async function toPart(file) {
  const kind = kindOf(file);
  const common = {
    kind: "file",
    name: file.name || "pasted image",
    size: file.size,
    thumbnail: null,
    rest: {},
  };
  if (kind === "text")
    return { ...common, type: "document", mediaType: "text/plain", data: await file.text() };
  const data = await base64(file);
  if (kind === "pdf") return { ...common, type: "document", mediaType: file.type, data };
  return { ...common, type: "image", mediaType: file.type, data, thumbnail: await thumbnail(file) };
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

// A small picture as data: URL; null if the browser cannot read the image.
async function thumbnail(file) {
  try {
    const image = await createImageBitmap(file, { resizeHeight: THUMBNAIL_PX });
    const canvas = document.createElement("canvas");
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL("image/webp", 0.8);
  } catch {
    return null;
  }
}

// The files of a paste or drop.
export function filesOf(transfer) {
  return [...(transfer?.files ?? [])];
}
