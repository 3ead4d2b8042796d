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
            "name": "file_ticket",
            "description": "File a support ticket.",
            "input_schema": {
                "type": "object",
                "properties": {
                    "title": {"type": "string"},
                    "urgent": {"type": "boolean"},
                },
                "required": ["title", "urgent"],
            },
        }
    ],
    tool_choice={"type": "tool", "name": "file_ticket"},
    messages=[{"role": "user", "content": "The printer on floor 3 is on fire."}],
)

ticket = next(block.input for block in message.content if block.type == "tool_use")
print("title:", ticket["title"])
print("urgent:", ticket["urgent"])
