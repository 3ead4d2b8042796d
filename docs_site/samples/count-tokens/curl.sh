curl http://localhost:8000/v1/messages/count_tokens \
  -H "Authorization: Bearer $CAICAINI_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "model": "caicaini/auto",
    "messages": [
      {"role": "user", "content": "Write one sentence about the sea."}
    ]
  }'
