import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});

const count = await client.messages.countTokens({
  model: "caicaini/auto",
  messages: [{ role: "user", content: "Write one sentence about the sea." }],
});

console.log("input tokens:", count.input_tokens);
