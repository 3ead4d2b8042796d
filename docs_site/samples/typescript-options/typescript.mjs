import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
  timeout: 120_000, // milliseconds, for each attempt
  maxRetries: 4,
});

// For one call: no retry, and a shorter time limit.
const message = await client.messages.create(
  {
    model: "caicaini/auto",
    max_tokens: 30,
    messages: [{ role: "user", content: "Name a colour." }],
  },
  { timeout: 30_000, maxRetries: 0 },
);

for (const block of message.content) {
  if (block.type === "text") console.log("answer:", block.text);
}
