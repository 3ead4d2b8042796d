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
      name: "file_ticket",
      description: "File a support ticket.",
      input_schema: {
        type: "object",
        properties: {
          title: { type: "string" },
          urgent: { type: "boolean" },
        },
        required: ["title", "urgent"],
      },
    },
  ],
  tool_choice: { type: "tool", name: "file_ticket" },
  messages: [{ role: "user", content: "The printer on floor 3 is on fire." }],
});

for (const block of message.content) {
  if (block.type === "tool_use") console.log("input:", block.input);
}
