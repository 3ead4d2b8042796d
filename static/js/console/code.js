// The call as code: curl, Python and TypeScript, exactly what was run. Pure.
import { withoutData } from "./json_text.js";

const ELIDED = "The data of images and documents is cut here: put your own in.";
const HEREDOC = "CAICAINI_REQUEST";
// The fields that the SDKs' own types name. Python takes others in extra_body only.
export const SDK_NAMES = [
  "model",
  "max_tokens",
  "system",
  "messages",
  "tools",
  "tool_choice",
  "thinking",
  "output_config",
  "stop_sequences",
  "metadata",
  "service_tier",
  "cache_control",
];

// Returns { curl, python, typescript, isElided } for a request.
export function codeFor(request, baseUrl) {
  const { copy, elided } = withoutData(request);
  return {
    curl: curl(copy, baseUrl, elided),
    python: python(copy, baseUrl, elided),
    typescript: typescript(copy, baseUrl, elided),
    isElided: elided > 0,
  };
}

function curl(request, baseUrl, elided) {
  const lines = [
    ...(elided ? [`# ${ELIDED}`] : []),
    `curl ${request.stream ? "-N " : ""}${baseUrl}/v1/messages \\`,
    '  -H "Authorization: Bearer $CAICAINI_API_KEY" \\',
    '  -H "Content-Type: application/json" \\',
    `  --data-binary @- <<'${HEREDOC}'`,
    JSON.stringify(request, null, 2),
    HEREDOC,
  ];
  return lines.join("\n");
}

// --- Python -----------------------------------------------------------------------------------

function python(request, baseUrl, elided) {
  const { stream, ...body } = request;
  const call = stream
    ? ["with client.messages.stream(", pythonArguments(body), ") as stream:", PYTHON_STREAM]
    : ["message = client.messages.create(", pythonArguments(body), ")", PYTHON_PLAIN];
  return [
    "import os",
    "",
    "from anthropic import Anthropic",
    "",
    ...(elided ? [`# ${ELIDED}`] : []),
    "client = Anthropic(",
    `    base_url=${JSON.stringify(baseUrl)},`,
    '    api_key=os.environ["CAICAINI_API_KEY"],',
    ")",
    "",
    ...call,
  ].join("\n");
}

const PYTHON_STREAM = `    for event in stream:
        if event.type == "text":
            print(event.text, end="", flush=True)
        elif event.type == "message_delta":
            print(f"\\n{event.delta.stop_reason}, {event.usage.credits_consumed} credits")`;

const PYTHON_PLAIN = `for block in message.content:
    print(block.text if block.type == "text" else block)
print(message.stop_reason, message.usage.credits_consumed, "credits")`;

function pythonArguments(body) {
  const [named, others] = split(body);
  const lines = Object.entries(named).map(([name, value]) => `    ${name}=${pythonLiteral(value, 1)},`);
  if (Object.keys(others).length) lines.push(`    extra_body=${pythonLiteral(others, 1)},`);
  return lines.join("\n");
}

function pythonLiteral(value, depth) {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value !== "object") return pythonScalar(value);
  return nested(value, depth, "    ", (key) => `${JSON.stringify(key)}: `, pythonLiteral);
}

// JSON's escapes of strings are Python's, but for surrogates, which JSON.stringify writes out.
function pythonScalar(value) {
  return JSON.stringify(value);
}

// --- TypeScript -------------------------------------------------------------------------------

function typescript(request, baseUrl, elided) {
  const { stream, ...body } = request;
  const method = stream
    ? "const stream = client.messages.stream("
    : "const message = await client.messages.create(";
  return [
    'import Anthropic from "@anthropic-ai/sdk";',
    "",
    ...(elided ? [`// ${ELIDED}`] : []),
    "const client = new Anthropic({",
    `  baseURL: ${JSON.stringify(baseUrl)},`,
    "  apiKey: process.env.CAICAINI_API_KEY,",
    "});",
    "",
    `${method}${typescriptBody(body)});`,
    stream ? TYPESCRIPT_STREAM : TYPESCRIPT_PLAIN,
  ].join("\n");
}

const TYPESCRIPT_STREAM = `for await (const event of stream) {
  if (event.type === "content_block_delta" && event.delta.type === "text_delta") {
    process.stdout.write(event.delta.text);
  } else if (event.type === "message_delta") {
    console.log("\\n", event.delta.stop_reason, event.usage);
  }
}`;

const TYPESCRIPT_PLAIN = `for (const block of message.content) {
  console.log(block.type === "text" ? block.text : block);
}
console.log(message.stop_reason, message.usage);`;

// TypeScript accepts a field that the SDK's types lack when it is spread into the object.
function typescriptBody(body) {
  const [named, others] = split(body);
  const text = typescriptLiteral(named, 0);
  if (!Object.keys(others).length) return text;
  const inner = text.startsWith("{\n") ? text.slice(2, -2) : `  ${text.slice(2, -2)},`;
  return `{\n${inner}\n  ...${typescriptLiteral(others, 1)},\n}`;
}

function typescriptLiteral(value, depth) {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const name = (key) => (/^[A-Za-z_$][\w$]*$/.test(key) ? `${key}: ` : `${JSON.stringify(key)}: `);
  return nested(value, depth, "  ", name, typescriptLiteral);
}

// --- Both -------------------------------------------------------------------------------------

const LINE_CHARS = 72;

// Divides a body into the fields that the SDKs name, and all others.
function split(body) {
  const entries = Object.entries(body);
  const isNamed = ([name]) => SDK_NAMES.includes(name);
  return [
    Object.fromEntries(entries.filter(isNamed)),
    Object.fromEntries(entries.filter((entry) => !isNamed(entry))),
  ];
}

// An array or object: on one line if it is short, otherwise one member a line.
function nested(value, depth, indent, name, literal) {
  const isArray = Array.isArray(value);
  const [open, close] = isArray ? "[]" : "{}";
  const members = isArray
    ? value.map((inner) => literal(inner, depth + 1))
    : Object.entries(value).map(([key, inner]) => name(key) + literal(inner, depth + 1));
  if (!members.length) return open + close;
  const line = members.join(", ");
  if (!line.includes("\n") && line.length + depth * indent.length < LINE_CHARS)
    return isArray || indent.length > 2 ? `${open}${line}${close}` : `${open} ${line} ${close}`;
  const inner = indent.repeat(depth + 1);
  return `${open}\n${members.map((member) => `${inner}${member},`).join("\n")}\n${indent.repeat(depth)}${close}`;
}
