curl http://localhost:8000/v1/messages \
  -H "Authorization: Bearer $CAICAINI_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "model": "caicaini/auto",
    "max_tokens": 300,
    "tools": [
      {
        "name": "file_ticket",
        "description": "File a support ticket.",
        "input_schema": {
          "type": "object",
          "properties": {
            "title": {"type": "string"},
            "urgent": {"type": "boolean"}
          },
          "required": ["title", "urgent"]
        }
      }
    ],
    "tool_choice": {"type": "tool", "name": "file_ticket"},
    "messages": [
      {"role": "user", "content": "The printer on floor 3 is on fire."}
    ]
  }'
