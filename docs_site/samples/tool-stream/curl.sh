curl -N http://localhost:8000/v1/messages \
  -H "Authorization: Bearer $CAICAINI_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "model": "caicaini/auto",
    "max_tokens": 300,
    "stream": true,
    "tools": [
      {
        "name": "get_weather",
        "description": "The weather in a city, now.",
        "input_schema": {
          "type": "object",
          "properties": {"city": {"type": "string"}},
          "required": ["city"]
        }
      }
    ],
    "messages": [
      {"role": "user", "content": "What is the weather in Lisbon?"}
    ]
  }'
