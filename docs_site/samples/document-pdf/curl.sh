invoice=$(base64 < invoice.pdf | tr -d '\n')

curl http://localhost:8000/v1/messages \
  -H "Authorization: Bearer $CAICAINI_API_KEY" \
  -H "Content-Type: application/json" \
  -d @- <<END
{
  "model": "caicaini/auto",
  "max_tokens": 100,
  "messages": [{
    "role": "user",
    "content": [
      {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "$invoice"}
      },
      {"type": "text", "text": "When is this invoice due?"}
    ]
  }]
}
END
