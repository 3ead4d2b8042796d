import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});

const { data: message, response } = await client.messages
  .create({
    model: "caicaini/auto",
    max_tokens: 30,
    messages: [{ role: "user", content: "Name a colour." }],
  })
  .withResponse();

for (const block of message.content) {
  if (block.type === "text") console.log(block.text);
}
console.log("request:", response.headers.get("request-id"));
console.log("route:", response.headers.get("caicaini-route"));
console.log("credits:", response.headers.get("caicaini-credits-consumed"));
console.log("requests left:", response.headers.get("anthropic-ratelimit-requests-remaining"));
