const query = new URLSearchParams({ bucket: "1h", group_by: "model" });
const response = await fetch(`http://localhost:8000/v1/usage?${query}`, {
  headers: { Authorization: `Bearer ${process.env.CAICAINI_API_KEY}` },
});
if (!response.ok) throw new Error(await response.text());

const usage = await response.json();
console.log("from:", usage.from);
for (const row of usage.data) {
  console.log("row:", row.starts_at, row.model, row.requests, row.credits_consumed);
}
