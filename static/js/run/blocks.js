// An answer's blocks as elements. Whatever a model writes becomes a text node, never HTML.

// Brings `element` in line with the message so far; blocks that are drawn already keep their elements.
export function drawBlocks(element, message) {
  message.content.forEach((block, index) => {
    const drawn = element.children[index] ?? element.appendChild(made(block));
    const place = drawn.querySelector("[data-text]") ?? drawn;
    const text = textOf(block);
    if (place.textContent !== text) place.textContent = text;
  });
}

function made(block) {
  if (block.type === "thinking") return folded("Thinking");
  if (block.type === "tool_use") return labelled(`Calls ${block.name}`);
  return create("p", "run-text");
}

function textOf(block) {
  if (block.type === "text") return block.text;
  if (block.type === "thinking") return block.thinking;
  if (block.type === "tool_use") return block.partialJson ?? JSON.stringify(block.input, null, 2);
  return `[${block.type}]`;
}

function folded(title) {
  const details = create("details", "run-thinking");
  const summary = create("summary", "");
  summary.textContent = title;
  const text = create("p", "run-text");
  text.dataset.text = "";
  details.append(summary, text);
  return details;
}

function labelled(title) {
  const box = create("div", "run-tool");
  const head = create("p", "run-tool-head");
  head.textContent = title;
  const input = create("pre", "");
  input.dataset.text = "";
  box.append(head, input);
  return box;
}

function create(tag, className) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  return element;
}
