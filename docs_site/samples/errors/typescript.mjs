import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});

try {
  await client.messages.create({
    model: "caicaini/auto",
    max_tokens: 0.5, // wrong on purpose: whole numbers only
    messages: [{ role: "user", content: "Write one sentence about the sea." }],
  });
} catch (error) {
  if (error instanceof Anthropic.APIConnectionError) {
    console.log("not reached:", error.message);
  } else if (error instanceof Anthropic.RateLimitError) {
    console.log("retry after:", error.headers.get("retry-after"));
  } else if (error instanceof Anthropic.APIError) {
    console.log("status:", error.status);
    console.log("type:", error.type);
    console.log("code:", error.errorCode);
    console.log("message:", error.apiMessage);
    console.log("request:", error.requestID);
  } else {
    throw error;
  }
}
