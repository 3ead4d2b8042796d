picture=$(base64 < picture.png | tr -d '\n')

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
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "$picture"}
      },
      {"type": "text", "text": "Which colour is this?"}
    ]
  }]
}
END
