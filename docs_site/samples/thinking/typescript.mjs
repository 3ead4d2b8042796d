import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});

const message = await client.messages.create({
  model: "caicaini/auto",
  max_tokens: 4096,
  thinking: { type: "enabled", budget_tokens: 2048 },
  messages: [{ role: "user", content: "Is 2027 a prime number?" }],
});

for (const block of message.content) {
  if (block.type === "thinking") console.log("thought:", block.thinking);
  if (block.type === "text") console.log("answer:", block.text);
}
console.log("output tokens:", message.usage.output_tokens);
