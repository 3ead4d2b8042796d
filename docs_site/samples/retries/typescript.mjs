import Anthropic from "@anthropic-ai/sdk";

// The SDK waits as long as `retry-after` asks, or 0.5, 1, 2, … seconds, and tries again.
const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
  maxRetries: 5,
});

for (const review of ["Quick and friendly.", "Cold soup, and late."]) {
  const message = await client.messages.create({
    model: "caicaini/auto",
    max_tokens: 20,
    messages: [{ role: "user", content: `Good or bad review? ${review}` }],
  });
  for (const block of message.content) {
    if (block.type === "text") console.log("review:", block.text);
  }
}
