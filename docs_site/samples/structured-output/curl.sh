curl http://localhost:8000/v1/messages \
  -H "Authorization: Bearer $CAICAINI_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "model": "caicaini/auto",
    "max_tokens": 300,
    "messages": [
      {"role": "user", "content": "Order: two coffees and a bagel, table 4."}
    ],
    "output_config": {
      "format": {
        "type": "json_schema",
        "schema": {
          "type": "object",
          "properties": {
            "table": {"type": "integer"},
            "items": {
              "type": "array",
              "items": {
                "type": "object",
                "properties": {
                  "name": {"type": "string"},
                  "count": {"type": "integer"}
                },
                "required": ["name", "count"],
                "additionalProperties": false
              }
            }
          },
          "required": ["table", "items"],
          "additionalProperties": false
        }
      }
    }
  }'
