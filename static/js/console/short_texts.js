// Texts cut to what a line holds. Pure.

// Without the provider's name: swift of caicaini/swift.
export function shortName(id) {
  return id.slice(id.indexOf("/") + 1);
}

// The first `length` characters of a text, on one line.
export function shortened(text, length) {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}
