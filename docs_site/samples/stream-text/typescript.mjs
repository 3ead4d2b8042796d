import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});

const stream = client.messages.stream({
  model: "caicaini/auto",
  max_tokens: 100,
  messages: [{ role: "user", content: "Write one sentence about the sea." }],
});

for await (const event of stream) {
  if (event.type === "content_block_delta" && event.delta.type === "text_delta") {
    process.stdout.write(event.delta.text);
  } else if (event.type === "message_delta") {
    console.log("\n", event.usage);
  }
}
