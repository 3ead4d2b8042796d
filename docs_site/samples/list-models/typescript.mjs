import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});

for await (const model of client.models.list()) {
  console.log("model:", model.id, model.max_input_tokens);
}
