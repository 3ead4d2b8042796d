import { readFile } from "node:fs/promises";

import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});
const invoice = await readFile("invoice.pdf", "base64");

const message = await client.messages.create({
  model: "caicaini/auto",
  max_tokens: 100,
  messages: [
    {
      role: "user",
      content: [
        { type: "document", source: { type: "base64", media_type: "application/pdf", data: invoice } },
        { type: "text", text: "When is this invoice due?" },
      ],
    },
  ],
});

for (const block of message.content) {
  if (block.type === "text") console.log(block.text);
}
console.log("input tokens:", message.usage.input_tokens);
