import os

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)

with client.messages.stream(
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
) as stream:
    for event in stream:
        if event.type == "input_json":
            print("piece:", event.partial_json)
        elif event.type == "content_block_stop" and event.content_block.type == "tool_use":
            print("input:", event.content_block.input)
