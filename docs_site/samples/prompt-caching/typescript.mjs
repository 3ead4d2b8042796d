import { readFile } from "node:fs/promises";

import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});
const handbook = await readFile("handbook.txt", "utf8");

for (const question of ["Who decides on returns?", "Who decides on gift cards?"]) {
  const message = await client.messages.create({
    model: "caicaini/auto",
    max_tokens: 100,
    system: [
      { type: "text", text: "Answer from the handbook." },
      { type: "text", text: handbook, cache_control: { type: "ephemeral" } },
    ],
    messages: [{ role: "user", content: question }],
  });
  console.log(message.usage);
}
