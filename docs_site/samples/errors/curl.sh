# --fail-with-body: curl prints the body and exits with 22 on every error status.
curl --fail-with-body http://localhost:8000/v1/messages \
  -H "Authorization: Bearer $CAICAINI_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "model": "caicaini/auto",
    "max_tokens": 0.5,
    "messages": [
      {"role": "user", "content": "Write one sentence about the sea."}
    ]
  }' || printf '\ncurl exit: %s\n' "$?"
