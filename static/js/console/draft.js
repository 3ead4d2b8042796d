// The request as it is being edited. Pure: no page, no storage.
//
// A message is { id, role, parts }; a part is one of
//   { kind: "text", text, rest }                       rest: other members, such as cache_control
//   { kind: "file", type, name, mediaType, size, data, thumbnail }   data: base64, or plain text
//   { kind: "tool_result", toolUseId, name, text, isError }
//   { kind: "raw", block }                             kept as it is: tool calls, thinking, others
import * as json from "./json_text.js";

const NUMBERS = ["temperature", "top_p", "top_k"];
// Fields with a control of their own, or that the page writes itself.
export const EDITED = new Set([
  "model",
  "system",
  "messages",
  "tools",
  "tool_choice",
  "thinking",
  "output_config",
  "stop_sequences",
  "stream",
  "max_tokens",
  ...NUMBERS,
]);
const PLACEHOLDER = "AAAA";
let lastId = 0;

export function newId() {
  lastId += 1;
  return `m${Date.now().toString(36)}${lastId}`;
}

export function textPart(text = "", rest = {}) {
  return { kind: "text", text, rest };
}

export function newMessage(role = "user", parts = [textPart()]) {
  return { id: newId(), role, parts };
}

export function newDraft(model) {
  return {
    model,
    second: null, // the other model of a comparison
    system: "",
    isSystemJson: false,
    messages: [newMessage()],
    tools: "",
    schema: "",
    parameters: {
      max_tokens: "1024",
      temperature: "",
      top_p: "",
      top_k: "",
      stop_sequences: "",
      thinking: "",
      budget_tokens: "1024",
      effort: "",
      tool_choice: "",
      stream: "true",
    },
    extra: {}, // fields of an imported request that the page has no control for
  };
}

// Returns { request, problems }: only fields that are set; problems are [{ place, message }].
export function toRequest(draft, model = draft.model) {
  const problems = [];
  const { parameters } = draft;
  const request = { model };
  number(request, "max_tokens", parameters.max_tokens, problems);
  addSystem(request, draft, problems);
  request.messages = draft.messages.map(toMessage);
  addJson(request, "tools", draft.tools, problems);
  if (parameters.tool_choice) request.tool_choice = toolChoice(parameters.tool_choice);
  addThinking(request, parameters, problems);
  addOutput(request, draft, problems);
  for (const name of NUMBERS) number(request, name, parameters[name], problems);
  const stops = parameters.stop_sequences.split("\n").filter((line) => line !== "");
  if (stops.length) request.stop_sequences = stops;
  Object.assign(request, draft.extra);
  if (parameters.stream === "true") request.stream = true;
  return { request, problems };
}

function number(request, name, text, problems) {
  const written = text.trim().replaceAll(",", "");
  if (!written) return;
  if (/^-?\d+(\.\d+)?$/.test(written)) request[name] = Number(written);
  else problems.push({ place: name, message: "Give a number." });
}

function addSystem(request, draft, problems) {
  if (!draft.system.trim()) return;
  if (draft.isSystemJson) addJson(request, "system", draft.system, problems);
  else request.system = draft.system;
}

function addJson(request, name, text, problems) {
  if (!text.trim()) return;
  const { value, problem } = json.parse(text);
  if (problem) problems.push({ place: name, message: problem });
  else request[name] = value;
}

function toolChoice(chosen) {
  return chosen.startsWith("tool:") ? { type: "tool", name: chosen.slice(5) } : { type: chosen };
}

function addThinking(request, parameters, problems) {
  if (!parameters.thinking) return;
  request.thinking = { type: parameters.thinking };
  if (parameters.thinking === "enabled")
    number(request.thinking, "budget_tokens", parameters.budget_tokens, problems);
}

function addOutput(request, draft, problems) {
  const config = {};
  if (draft.parameters.effort) config.effort = draft.parameters.effort;
  const found = {};
  addJson(found, "schema", draft.schema, problems);
  if (found.schema !== undefined) config.format = { type: "json_schema", schema: found.schema };
  if (Object.keys(config).length) request.output_config = config;
}

function toMessage({ role, parts }) {
  const [only] = parts;
  if (parts.length === 1 && only.kind === "text" && !Object.keys(only.rest).length)
    return { role, content: only.text };
  const written = parts.filter((part) => part.kind !== "text" || part.text !== "");
  return { role, content: written.map(toBlock) };
}

function toBlock(part) {
  if (part.kind === "text") return { type: "text", text: part.text, ...part.rest };
  if (part.kind === "file") return toFileBlock(part);
  if (part.kind === "tool_result") return toResultBlock(part);
  return part.block;
}

function toFileBlock({ type, mediaType, data, name, rest = {} }) {
  if (type === "image") return { type, source: { type: "base64", media_type: mediaType, data }, ...rest };
  const kind = mediaType === "text/plain" ? "text" : "base64";
  return { type, source: { type: kind, media_type: mediaType, data }, title: name, ...rest };
}

function toResultBlock({ toolUseId, text, isError }) {
  const block = { type: "tool_result", tool_use_id: toolUseId, content: text };
  return isError ? { ...block, is_error: true } : block;
}

// The request with tiny placeholders for the data of images and documents: their size costs nothing.
export function withPlaceholders(request) {
  return JSON.parse(
    JSON.stringify(request, (key, value) => {
      const isData = value && typeof value === "object" && value.type === "base64" && "data" in value;
      return isData ? { ...value, data: PLACEHOLDER } : value;
    }),
  );
}

// A draft from a Messages request, of a docs example or the history.
export function fromRequest(request, model) {
  const draft = newDraft(typeof request.model === "string" ? request.model : model);
  const { parameters } = draft;
  readSystem(draft, request.system);
  if (Array.isArray(request.messages)) draft.messages = request.messages.map(fromMessage);
  if (request.tools !== undefined) draft.tools = json.pretty(request.tools);
  parameters.max_tokens = written(request.max_tokens);
  for (const name of NUMBERS) parameters[name] = written(request[name]);
  parameters.stop_sequences = (request.stop_sequences ?? []).join("\n");
  parameters.stream = request.stream ? "true" : "";
  parameters.thinking = request.thinking?.type ?? "";
  parameters.budget_tokens = written(request.thinking?.budget_tokens) || parameters.budget_tokens;
  parameters.tool_choice = writtenChoice(request.tool_choice);
  parameters.effort = request.output_config?.effort ?? "";
  const schema = request.output_config?.format?.schema;
  if (schema !== undefined) draft.schema = json.pretty(schema);
  draft.extra = Object.fromEntries(Object.entries(request).filter(([name]) => !EDITED.has(name)));
  return draft;
}

function written(value) {
  return value === undefined || value === null ? "" : String(value);
}

function writtenChoice(choice) {
  if (!choice) return "";
  return choice.type === "tool" ? `tool:${choice.name}` : choice.type;
}

function readSystem(draft, system) {
  if (system === undefined || system === null) return;
  draft.isSystemJson = typeof system !== "string";
  draft.system = draft.isSystemJson ? json.pretty(system) : system;
}

function fromMessage({ role, content }) {
  const blocks = typeof content === "string" ? [{ type: "text", text: content }] : content;
  return newMessage(role, blocks.map(fromBlock));
}

function fromBlock(block) {
  if (block.type === "text") {
    const { type, text, ...rest } = block;
    return textPart(text, rest);
  }
  if (block.type === "tool_result" && typeof (block.content ?? "") === "string") {
    return {
      kind: "tool_result",
      toolUseId: block.tool_use_id,
      name: "",
      text: block.content ?? "",
      isError: Boolean(block.is_error),
    };
  }
  const isInline =
    ["image", "document"].includes(block.type) && ["base64", "text"].includes(block.source?.type);
  return isInline ? fromFileBlock(block) : { kind: "raw", block };
}

function fromFileBlock({ type, source, title, ...rest }) {
  const size = source.type === "base64" ? Math.floor((source.data.length * 3) / 4) : source.data.length;
  const mediaType = source.media_type ?? "text/plain";
  const isSmall = source.data.length < 200_000;
  const thumbnail = type === "image" && isSmall ? `data:${mediaType};base64,${source.data}` : null;
  return { kind: "file", type, name: title ?? type, mediaType, size, data: source.data, thumbnail, rest };
}

// Every file part of a draft.
export function filesOf(draft) {
  return draft.messages.flatMap(({ parts }) => parts.filter((part) => part.kind === "file"));
}

// A copy whose files have lost their data; they are kept by name and the page says so.
export function withoutFiles(draft) {
  const messages = draft.messages.map((message) => ({
    ...message,
    parts: message.parts.map((part) => (part.kind === "file" ? { ...part, data: null } : part)),
  }));
  return { ...draft, messages };
}

// The names of the tools that are defined, as far as the text is valid.
export function toolNames(draft) {
  const { value } = json.parse(draft.tools || "[]");
  return Array.isArray(value)
    ? value.map((tool) => tool?.name).filter((name) => typeof name === "string")
    : [];
}
