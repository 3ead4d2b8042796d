curl http://localhost:8000/v1/messages \
  -H "Authorization: Bearer $CAICAINI_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "model": "caicaini/auto",
    "max_tokens": 100,
    "messages": [
      {
        "role": "user",
        "content": [
          {
            "type": "document",
            "title": "Opening hours",
            "source": {
              "type": "text",
              "media_type": "text/plain",
              "data": "Monday to Friday, 9 to 17."
            }
          },
          {"type": "text", "text": "Is it open on Sundays?"}
        ]
      }
    ]
  }'
