import os

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)
ORANGE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mP438CAFTEMLQkAqbNf"
    "wTPooMgAAAAASUVORK5CYII="
)

message = client.messages.create(
    model="caicaini/auto",
    max_tokens=100,
    messages=[
        {
            "role": "user",
            "content": [
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": ORANGE},
                },
                {"type": "text", "text": "Which colour is this?"},
            ],
        }
    ],
)

print(message.content[0].text)
print("input tokens:", message.usage.input_tokens)
