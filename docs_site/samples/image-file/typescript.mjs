import { readFile } from "node:fs/promises";

import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});
const picture = await readFile("picture.png", "base64");

const message = await client.messages.create({
  model: "caicaini/auto",
  max_tokens: 100,
  messages: [
    {
      role: "user",
      content: [
        { type: "image", source: { type: "base64", media_type: "image/png", data: picture } },
        { type: "text", text: "Which colour is this?" },
      ],
    },
  ],
});

for (const block of message.content) {
  if (block.type === "text") console.log(block.text);
}
