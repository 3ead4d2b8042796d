curl http://localhost:8000/v1/messages \
  -H "Authorization: Bearer $CAICAINI_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "model": "caicaini/auto",
    "max_tokens": 100,
    "messages": [
      {"role": "user", "content": "Write one sentence about the sea."}
    ]
  }'
