// Drives a gateway with the official TypeScript SDK and prints what it saw as one line of JSON.
// usage: node typescript_sdk.mjs SCENARIO BASE_URL API_KEY PROMPT [MODEL ...]

import Anthropic from "@anthropic-ai/sdk";

const [scenario, baseURL, apiKey, prompt, ...models] = process.argv.slice(2);
const client = new Anthropic({ baseURL, apiKey, maxRetries: 0 });
const request = {
  model: "scripted/messages",
  max_tokens: 100,
  messages: [{ role: "user", content: prompt }],
};

const scenarios = {
  async plain() {
    const message = await client.messages.create(request);
    return { message, requestId: message._request_id };
  },

  async stream() {
    const heard = [];
    const stream = client.messages.stream(request).on("text", (text) => heard.push(text));
    return { heard, final: await stream.finalMessage() };
  },

  // A turn with betas: the prompt is its body as JSON.
  async betas() {
    const final = await client.beta.messages.stream(JSON.parse(prompt)).finalMessage();
    return { final };
  },

  async events() {
    const events = [];
    for await (const event of await client.messages.create({ ...request, stream: true })) {
      events.push(event);
    }
    return { events };
  },

  async leave() {
    const stream = await client.messages.create({ ...request, stream: true });
    for await (const event of stream) {
      if (event.type === "content_block_delta") break;
    }
    return {};
  },

  // Asks, runs the tool that is asked for, and asks again with its result.
  async tools() {
    const tool = {
      name: "get_weather",
      input_schema: { type: "object", properties: { city: { type: "string" } } },
    };
    const asked = { ...request, tools: [tool], tool_choice: { type: "auto" } };
    const call = await client.messages.stream(asked).finalMessage();
    const { id, input } = call.content.find((block) => block.type === "tool_use");
    const result = { type: "tool_result", tool_use_id: id, content: `Sunny in ${input.city}` };
    const turns = [
      ...request.messages,
      { role: "assistant", content: call.content },
      { role: "user", content: [result] },
    ];
    const final = await client.messages.create({ ...asked, messages: turns });
    return { call, final };
  },

  // Lets the SDK do the same, which wants the server to hold the conversation.
  async runner() {
    const tool = {
      name: "get_weather",
      input_schema: { type: "object", properties: { city: { type: "string" } } },
      parse: (input) => input,
      run: ({ city }) => `Sunny in ${city}`,
    };
    return client.beta.messages.toolRunner({ ...request, tools: [tool] }).runUntilDone();
  },

  async image() {
    const source = { type: "base64", media_type: "image/png", data: "aGk=" };
    const content = [{ type: "image", source }, { type: "text", text: prompt }];
    return client.messages.create({ ...request, messages: [{ role: "user", content }] });
  },

  async thinking() {
    const thinking = { type: "enabled", budget_tokens: 1024 };
    return client.messages.stream({ ...request, max_tokens: 2000, thinking }).finalMessage();
  },

  async retries() {
    return client.messages.create(request, { maxRetries: 2 });
  },

  async count() {
    const { max_tokens, ...counted } = request;
    return client.messages.countTokens(counted);
  },

  // Carries one conversation through several models, streamed and plain by turns.
  async crossing() {
    const tools = ["look", "listen"].map((name) => ({
      name,
      input_schema: { type: "object", properties: {} },
    }));
    const messages = [...request.messages];
    const names = [];
    for (const [turn, model] of models.entries()) {
      const asked = { ...request, model, tools, messages };
      const reply = turn % 2
        ? await client.messages.create(asked)
        : await client.messages.stream(asked).finalMessage();
      const calls = reply.content.filter((block) => block.type === "tool_use");
      names.push(calls.map((call) => call.name));
      const results = calls.map(({ id }) => ({
        type: "tool_result",
        tool_use_id: id,
        content: "ok",
      }));
      messages.push({ role: "assistant", content: reply.content });
      messages.push({ role: "user", content: results });
    }
    return { names };
  },

  async models() {
    const ids = [];
    for await (const model of client.models.list({ limit: 2 })) ids.push(model.id);
    return { ids };
  },
};

try {
  console.log(JSON.stringify(await scenarios[scenario]()));
} catch (error) {
  const { status, type, message, requestID } = error;
  console.log(JSON.stringify({ raised: error.constructor.name, status, type, message, requestID }));
}
