const response = await fetch("http://localhost:8000/v1/messages", {
  method: "POST",
  headers: {
    Authorization: `Bearer ${process.env.CAICAINI_API_KEY}`,
    "Content-Type": "application/json",
  },
  body: JSON.stringify({
    model: "caicaini/auto",
    max_tokens: 50,
    stream: true,
    messages: [{ role: "user", content: "Write one sentence about the sea." }],
  }),
});
if (!response.ok) throw new Error(await response.text());

// Yields the events of a stream: frames end with an empty line, comments begin with a colon.
async function* events(body) {
  const decoder = new TextDecoder();
  let buffer = "";
  for await (const bytes of body) {
    buffer += decoder.decode(bytes, { stream: true });
    const frames = buffer.split("\n\n");
    buffer = frames.pop() ?? "";
    for (const frame of frames) {
      const data = frame.split("\n").find((line) => line.startsWith("data: "));
      if (data) yield JSON.parse(data.slice("data: ".length));
    }
  }
}

let isComplete = false;
for await (const event of events(response.body)) {
  if (event.type === "error") throw new Error(`${event.error.type}: ${event.error.message}`);
  if (event.type === "message_stop") isComplete = true;
  if (event.delta?.type === "text_delta") process.stdout.write(event.delta.text);
  if (event.type === "message_delta") console.log("\ncredits:", event.usage.credits_consumed);
}
if (!isComplete) throw new Error("the connection broke off before the end");
