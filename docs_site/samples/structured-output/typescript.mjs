import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});
const item = {
  type: "object",
  properties: { name: { type: "string" }, count: { type: "integer" } },
  required: ["name", "count"],
  additionalProperties: false,
};
const schema = {
  type: "object",
  properties: { table: { type: "integer" }, items: { type: "array", items: item } },
  required: ["table", "items"],
  additionalProperties: false,
};

const message = await client.messages.create({
  model: "caicaini/auto",
  max_tokens: 300,
  messages: [{ role: "user", content: "Order: two coffees and a bagel, table 4." }],
  output_config: { format: { type: "json_schema", schema } },
});

// Cut off, or refused: this is not the whole JSON.
if (message.stop_reason !== "end_turn") throw new Error(`no complete answer: ${message.stop_reason}`);
for (const block of message.content) {
  if (block.type === "text") console.log("order:", JSON.parse(block.text));
}
