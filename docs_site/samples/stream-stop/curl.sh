# sed ends at the first "five", and curl with it: nobody reads on.
curl -N http://localhost:8000/v1/messages \
  -H "Authorization: Bearer $CAICAINI_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "model": "caicaini/auto",
    "max_tokens": 1000,
    "stream": true,
    "messages": [
      {"role": "user", "content": "Count to a thousand."}
    ]
  }' | sed '/five/q'
