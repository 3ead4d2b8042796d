import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});

const stream = client.messages.stream({
  model: "caicaini/auto",
  max_tokens: 300,
  tools: [
    {
      name: "get_weather",
      description: "The weather in a city, now.",
      input_schema: {
        type: "object",
        properties: { city: { type: "string" } },
        required: ["city"],
      },
    },
  ],
  messages: [{ role: "user", content: "What is the weather in Lisbon?" }],
});

stream.on("inputJson", (piece) => console.log("piece:", piece));
stream.on("contentBlock", (block) => {
  if (block.type === "tool_use") console.log("input:", block.input);
});
await stream.done();
