const response = await fetch("http://localhost:8000/v1/credits", {
  headers: { Authorization: `Bearer ${process.env.CAICAINI_API_KEY}` },
});
if (!response.ok) throw new Error(await response.text());

console.log(await response.json());
