import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});

const message = await client.messages.create({
  model: "caicaini/auto",
  max_tokens: 100,
  messages: [
    {
      role: "user",
      content: [
        {
          type: "document",
          title: "Opening hours",
          source: { type: "text", media_type: "text/plain", data: "Monday to Friday, 9 to 17." },
        },
        { type: "text", text: "Is it open on Sundays?" },
      ],
    },
  ],
});

for (const block of message.content) {
  if (block.type === "text") console.log(block.text);
}
