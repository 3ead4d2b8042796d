// Server-sent events out of a stream of bytes. The gateway ends lines with a line feed alone, and sends one
// data line per event.

// Yields {name, data, text, bytes} as complete events arrive; `text` is the event as it was sent, `data` its
// parsed JSON or null. A comment has the name "comment".
export async function* eventsOf(stream) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunksOf(stream)) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      if (block.trim()) yield parsed(block);
    }
  }
}

// A ReadableStream is an async iterable in some browsers only.
async function* chunksOf(stream) {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.releaseLock();
  }
}

function parsed(block) {
  const text = `${block}\n\n`;
  const bytes = new TextEncoder().encode(text).length;
  const lines = block.split("\n");
  if (lines.every((line) => line.startsWith(":"))) return { name: "comment", data: null, text, bytes };
  const name = field(lines, "event") ?? "message";
  return { name, data: json(field(lines, "data")), text, bytes };
}

function field(lines, name) {
  const line = lines.find((one) => one.startsWith(`${name}:`));
  return line?.slice(name.length + 1).trimStart();
}

function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
