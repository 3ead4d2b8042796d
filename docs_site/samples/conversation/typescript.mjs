import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});

const first = await client.messages.create({
  model: "caicaini/auto",
  max_tokens: 60,
  system: "You answer in one short sentence.",
  messages: [{ role: "user", content: "My name is Ada." }],
});
const second = await client.messages.create({
  model: "caicaini/auto",
  max_tokens: 60,
  system: "You answer in one short sentence.",
  messages: [
    { role: "user", content: "My name is Ada." },
    { role: "assistant", content: first.content },
    { role: "user", content: "What is my name?" },
  ],
});

for (const block of second.content) {
  if (block.type === "text") console.log(block.text);
}
console.log("input tokens:", first.usage.input_tokens, "then", second.usage.input_tokens);
