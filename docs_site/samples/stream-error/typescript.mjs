import Anthropic, { APIError } from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});
let received = "";

try {
  await client.messages
    .stream({
      model: "caicaini/auto",
      max_tokens: 100,
      messages: [{ role: "user", content: "Begin a story that breaks off." }],
    })
    .on("text", (text) => (received += text))
    .finalMessage();
} catch (error) {
  if (!(error instanceof APIError)) throw error;
  console.log("received so far:", received);
  console.log("error:", error.type);
  console.log("request:", error.requestID);
}
