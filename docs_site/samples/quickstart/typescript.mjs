import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});

const message = await client.messages.create({
  model: "caicaini/auto",
  max_tokens: 256,
  messages: [
    { role: "user", content: "Write a haiku about overdue invoices." },
  ],
});

for (const block of message.content) {
  if (block.type === "text") console.log(block.text);
}
console.log("model:", message.model);
console.log(message.usage);
