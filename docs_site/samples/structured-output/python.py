import json
import os

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)
item = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "count": {"type": "integer"}},
    "required": ["name", "count"],
    "additionalProperties": False,
}
order_schema = {
    "type": "object",
    "properties": {
        "table": {"type": "integer"},
        "items": {"type": "array", "items": item},
    },
    "required": ["table", "items"],
    "additionalProperties": False,
}

message = client.messages.create(
    model="caicaini/auto",
    max_tokens=300,
    messages=[{"role": "user", "content": "Order: two coffees and a bagel, table 4."}],
    output_config={"format": {"type": "json_schema", "schema": order_schema}},
)

if message.stop_reason != "end_turn":  # cut off, or refused: this is not the whole JSON
    raise SystemExit(f"no complete answer: {message.stop_reason}")
order = json.loads(message.content[0].text)
print("table:", order["table"])
for item in order["items"]:
    print("item:", item["count"], item["name"])
