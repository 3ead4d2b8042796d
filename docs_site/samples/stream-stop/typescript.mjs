import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});
let received = "";

const stream = await client.messages.create({
  model: "caicaini/auto",
  max_tokens: 1000,
  stream: true,
  messages: [{ role: "user", content: "Count to a thousand." }],
});

for await (const event of stream) {
  if (event.type === "content_block_delta" && event.delta.type === "text_delta") {
    received += event.delta.text;
    if (received.includes("five")) break; // leaving the loop closes the connection
  }
}

console.log("received:", received);
