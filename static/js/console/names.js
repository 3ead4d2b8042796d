// Names of models in sentences.

// Without the provider's name: swift of caicaini/swift.
export function shortName(id) {
  return id.slice(id.indexOf("/") + 1);
}
