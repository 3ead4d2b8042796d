curl http://localhost:8000/v1/messages \
  -H "Authorization: Bearer $CAICAINI_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "model": "caicaini/auto",
    "max_tokens": 60,
    "system": "You answer in one short sentence.",
    "messages": [
      {"role": "user", "content": "My name is Ada."},
      {"role": "assistant", "content": "Nice to meet you, Ada."},
      {"role": "user", "content": "What is my name?"}
    ]
  }'
