// Puts the events of a stream together to the message that a plain call would have returned.

// Applies one event, as run.js reports it, to `message` and returns it; starts with null.
export function applied(message, { name, data }) {
  switch (name) {
    case "message_start":
      return structuredClone(data.message);
    case "content_block_start":
      message.content[data.index] = structuredClone(data.content_block);
      return message;
    case "content_block_delta":
      extend(message.content[data.index], data.delta);
      return message;
    case "content_block_stop":
      finish(message.content[data.index]);
      return message;
    case "message_delta":
      Object.assign(message, data.delta);
      Object.assign(message.usage, data.usage);
      return message;
    default:
      return message;
  }
}

function extend(block, delta) {
  switch (delta.type) {
    case "text_delta":
      block.text += delta.text;
      break;
    case "thinking_delta":
      block.thinking += delta.thinking;
      break;
    case "signature_delta":
      block.signature = (block.signature ?? "") + delta.signature;
      break;
    case "input_json_delta":
      block.partialJson = (block.partialJson ?? "") + delta.partial_json;
      break;
  }
}

// A tool's input arrives as text and is parsed once it is complete.
function finish(block) {
  if (block.partialJson === undefined) return;
  try {
    block.input = JSON.parse(block.partialJson || "{}");
    delete block.partialJson;
  } catch {
    // Cut by max_tokens: what arrived stays text.
  }
}
