// A console state inside the fragment of an address, which browsers never send to a server.
//   #request=<base64url of the request's JSON>            from a docs example
//   #state=<base64url of the deflated JSON of a draft>    from Share
export const LONGEST_LINK = 16_000;
const MOST_CHARS = 2_000_000; // of an unpacked state: a small link must not fill the memory

function toBase64Url(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function fromBase64Url(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

async function through(bytes, transform) {
  const reader = new Blob([bytes]).stream().pipeThrough(transform).getReader();
  const chunks = [];
  let length = 0;
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    length += step.value.length;
    if (length > MOST_CHARS) throw new Error("This link unpacks to more than 2 MB.");
    chunks.push(step.value);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

export async function linkTo(address, draft) {
  const packed = await through(
    new TextEncoder().encode(JSON.stringify(draft)),
    new CompressionStream("deflate-raw"),
  );
  return `${address}#state=${toBase64Url(packed)}`;
}

// Returns { request } or { draft } or null; throws an Error if the fragment is damaged.
export async function readFragment(fragment) {
  const [name, text] = fragment.replace(/^#/, "").split("=", 2);
  if (name !== "request" && name !== "state") return null;
  const bytes = fromBase64Url(text ?? "");
  const plain = name === "state" ? await through(bytes, new DecompressionStream("deflate-raw")) : bytes;
  const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(plain));
  if (typeof value !== "object" || value === null || !Array.isArray(value.messages))
    throw new Error("There is no request in it.");
  return name === "state" ? { draft: value } : { request: value };
}
