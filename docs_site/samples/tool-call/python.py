import os

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)

message = client.messages.create(
    model="caicaini/auto",
    max_tokens=300,
    tools=[
        {
            "name": "get_weather",
            "description": "The weather in a city, now.",
            "input_schema": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        }
    ],
    messages=[{"role": "user", "content": "What is the weather in Lisbon?"}],
)

print("stop reason:", message.stop_reason)
for block in message.content:
    if block.type == "tool_use":
        print("call:", block.id, block.name, block.input)
