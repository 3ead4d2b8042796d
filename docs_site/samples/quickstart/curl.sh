curl http://localhost:8000/v1/messages \
  -H "Authorization: Bearer $CAICAINI_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "model": "caicaini/auto",
    "max_tokens": 256,
    "messages": [
      {"role": "user", "content": "Write a haiku about overdue invoices."}
    ]
  }'
