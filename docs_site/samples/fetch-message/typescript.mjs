const response = await fetch("http://localhost:8000/v1/messages", {
  method: "POST",
  headers: {
    Authorization: `Bearer ${process.env.CAICAINI_API_KEY}`,
    "Content-Type": "application/json",
  },
  body: JSON.stringify({
    model: "caicaini/auto",
    max_tokens: 50,
    messages: [{ role: "user", content: "Write one sentence about the sea." }],
  }),
});

const body = await response.json();
if (!response.ok) {
  throw new Error(`${response.status} ${body.error.type}: ${body.error.message} (${body.request_id})`);
}

console.log(body.content[0].text);
console.log("credits:", body.usage.credits_consumed);
