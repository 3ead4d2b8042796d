// Carries conversations with the AI SDK.
// usage: node ai_sdk_client.mjs BASE_URL API_KEY WALKS

import { createAnthropic } from "@ai-sdk/anthropic";
import { generateText, jsonSchema, streamText, tool } from "ai";

const [url, apiKey, walks] = process.argv.slice(2);
const provider = createAnthropic({ baseURL: `${url}/v1`, apiKey });
const run = tool({
  inputSchema: jsonSchema({ type: "object", properties: {} }),
  execute: async () => "ok",
});
const settings = {
  tools: { look: run, listen: run },
  maxOutputTokens: 2000,
  maxRetries: 0,
  providerOptions: { anthropic: { thinking: { type: "enabled", budgetTokens: 1024 } } },
};

async function ask(model, messages, stream) {
  const asked = { ...settings, model: provider(model), messages };
  if (!stream) return generateText(asked);
  let failure;
  const result = streamText({ ...asked, onError: ({ error }) => (failure = error) });
  await result.consumeStream();
  if (failure) throw failure;
  return result;
}

async function carry({ prompt, models, stream }) {
  const messages = [{ role: "user", content: prompt }];
  const turns = [];
  for (const model of models) {
    const reply = await ask(model, messages, stream);
    const calls = (await reply.toolCalls).map((call) => call.toolName);
    const thinking = (await reply.reasoningText) ?? "";
    turns.push({ thinking, text: await reply.text, calls });
    // With the results of the tools, which the SDK has run.
    messages.push(...(await reply.response).messages);
    if (!calls.length) messages.push({ role: "user", content: "Go on." });
  }
  return turns;
}

globalThis.AI_SDK_LOG_WARNINGS = false;
const turns = [];
for (const walk of JSON.parse(walks)) turns.push(await carry(walk));
console.log(JSON.stringify(turns));
