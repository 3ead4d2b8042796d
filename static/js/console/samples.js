// Ready-made tools, a schema, and requests to begin with.
import { newDraft, newMessage, textPart } from "./draft.js";
import { pretty } from "./json_text.js";

function tool(name, description, properties) {
  return {
    name,
    description,
    input_schema: { type: "object", properties, required: Object.keys(properties) },
  };
}

export const TOOLS = {
  stock: tool("stock_lookup", "Looks up how many units of an article each warehouse holds.", {
    sku: { type: "string", description: "The article's number, such as A-113" },
    min_units: { type: "integer", description: "Name only warehouses with at least this many" },
  }),
  weather: tool("get_weather", "Returns the current weather of a city.", {
    city: { type: "string", description: "A city and its country, such as Lyon, France" },
  }),
  calculator: tool("calculate", "Evaluates an arithmetic expression.", {
    expression: { type: "string", description: "For example 12.5 * (3 + 4)" },
  }),
};

export const SCHEMA = {
  type: "object",
  properties: { title: { type: "string" }, tags: { type: "array", items: { type: "string" } } },
  required: ["title", "tags"],
  additionalProperties: false,
};

function asking(model, text, members = {}) {
  return { ...newDraft(model), messages: [newMessage("user", [textPart(text)])], ...members };
}

// [title, what it shows, what a model needs for it, draft for a model]
export const STARTS = [
  [
    "A short answer",
    "One question, streamed",
    [],
    (model) => asking(model, "Explain in two sentences what an idempotency key is good for."),
  ],
  [
    "A tool call",
    "The model calls, you enter the result",
    ["tools"],
    (model) =>
      asking(model, "Which warehouse can ship 40 units of A-113 to Lyon by Friday?", {
        system: "You plan shipments for three warehouses. Look stock up before you answer.",
        tools: pretty([TOOLS.stock]),
      }),
  ],
  [
    "Structured output",
    "JSON that follows a schema",
    ["structured_output"],
    (model) =>
      asking(model, "Give this note a title and tags: Order 12 more boxes of A-113 before Friday.", {
        schema: pretty(SCHEMA),
      }),
  ],
];
