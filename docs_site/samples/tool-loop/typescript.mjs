import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "http://localhost:8000",
  apiKey: process.env.CAICAINI_API_KEY,
});

function getWeather({ city }) {
  const weather = { Lisbon: "Sunny, 21 degrees", Oslo: "Snow, -3 degrees" };
  if (!(city in weather)) throw new Error(`no weather for ${city}`);
  return weather[city];
}
const functions = { get_weather: getWeather };

function run(call) {
  const result = { type: "tool_result", tool_use_id: call.id };
  try {
    return { ...result, content: functions[call.name](call.input) };
  } catch (error) {
    // The model reads the text and tries something else.
    return { ...result, content: String(error), is_error: true };
  }
}

const messages = [];
messages.push({ role: "user", content: "Compare the weather in Lisbon and Oslo." });

for (let round = 0; round < 5; round++) {
  const answer = await client.messages.create({
    model: "caicaini/auto",
    max_tokens: 500,
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
    messages,
  });
  messages.push({ role: "assistant", content: answer.content });
  const results = [];
  for (const block of answer.content) {
    if (block.type === "text") console.log(block.text);
    if (block.type !== "tool_use") continue;
    results.push(run(block));
    console.log("tool:", block.name, block.input, "->", results.at(-1).content);
  }
  if (results.length === 0) break;
  messages.push({ role: "user", content: results });
}
