// Rows of the event table: runs of deltas fold into one. Pure.
const FOLDED_FROM = 3;

export function laneOf({ name, data }, blocks) {
  if (!name?.startsWith("content_block")) return "message";
  return blocks[data?.index] ?? "message";
}

// The type of each content block, by index.
export function blockTypes(events) {
  const types = {};
  for (const { data } of events) {
    if (data?.type === "content_block_start") types[data.index] = data.content_block.type;
  }
  return types;
}

// Rows [{ first, last, events }] over `events`; with `isGrouped`, equal deltas in a row are one row.
export function rowsOf(events, { isGrouped }) {
  const rows = [];
  events.forEach((event, index) => {
    const last = rows.at(-1);
    const canFold = isGrouped && last && isDelta(event) && kindOf(last.events[0]) === kindOf(event);
    if (canFold) {
      last.events.push(event);
      last.last = index;
    } else rows.push({ first: index, last: index, events: [event] });
  });
  return rows.flatMap((row) =>
    row.events.length < FOLDED_FROM
      ? row.events.map((event, step) => ({
          first: row.first + step,
          last: row.first + step,
          events: [event],
        }))
      : [row],
  );
}

function isDelta({ name }) {
  return name === "content_block_delta";
}

function kindOf({ name, data }) {
  return isDelta({ name }) ? `${data.index} ${data.delta.type}` : null;
}

// What an event says, in some words.
export function summaryOf({ name, data, text }, blocks) {
  if (!data) return text?.trim() ?? "";
  const summary = SUMMARIES[name];
  return summary ? summary(data, blocks) : "";
}

function quoted(text) {
  return `“${text.replace(/\n/g, "⏎")}”`;
}

function total({
  input_tokens: fresh = 0,
  cache_creation_input_tokens: stored = 0,
  cache_read_input_tokens: read = 0,
}) {
  return fresh + stored + read;
}

const SUMMARIES = {
  message_start: ({ message }) => `${message.model}, ${total(message.usage)} in`,
  content_block_start: ({ index, content_block: block }) =>
    `${index} · ${block.type}${block.name ? ` ${block.name}` : ""}`,
  content_block_delta: ({ delta }) =>
    quoted(delta.text ?? delta.thinking ?? delta.partial_json ?? delta.signature?.slice(0, 20) ?? delta.type),
  content_block_stop: ({ index }) => String(index),
  message_delta: ({ delta, usage }) => `${delta.stop_reason}, ${usage.credits_consumed ?? "–"} credits`,
  error: ({ error }) => `${error.type}: ${error.message}`,
};

// Average distance between neighbours, in ms.
export function averageGap(events) {
  return events.length < 2 ? 0 : (events.at(-1).at - events[0].at) / (events.length - 1);
}

export function longestGap(events) {
  return events.reduce(
    (longest, event, index) => Math.max(longest, index ? event.at - events[index - 1].at : 0),
    0,
  );
}
