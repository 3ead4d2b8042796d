const base = "http://localhost:8000/v1";
const headers = {
  Authorization: `Bearer ${process.env.CAICAINI_API_KEY}`,
  "Content-Type": "application/json",
};
const answer = await fetch(`${base}/messages`, {
  method: "POST",
  headers,
  body: JSON.stringify({
    model: "caicaini/auto",
    max_tokens: 20,
    messages: [{ role: "user", content: "Say hello." }],
  }),
});
if (!answer.ok) throw new Error(await answer.text());
await answer.json();

const response = await fetch(`${base}/requests/${answer.headers.get("request-id")}`, { headers });
if (!response.ok) throw new Error(await response.text());
const receipt = await response.json();
for (const line of receipt.lines) {
  console.log("line:", line.class, line.tokens, "at", line.credits_per_million_tokens);
}
console.log("exact:", receipt.microcredits / 1e6, "charged:", receipt.credits_consumed);
