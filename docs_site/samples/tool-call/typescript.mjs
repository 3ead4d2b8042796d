import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});

const message = await client.messages.create({
  model: "caicaini/auto",
  max_tokens: 300,
  tools: [
    {
      name: "get_weather",
      description: "The weather in a city, now.",
      input_schema: {
        type: "object",
        properties: { city: { type: "string" } },
        required: ["city"],
      },
    },
  ],
  messages: [{ role: "user", content: "What is the weather in Lisbon?" }],
});

console.log("stop reason:", message.stop_reason);
for (const block of message.content) {
  if (block.type === "tool_use") console.log("call:", block.id, block.name, block.input);
}
