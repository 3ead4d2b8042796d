import base64
import os
from pathlib import Path

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)
picture = base64.b64encode(Path("picture.png").read_bytes()).decode()

message = client.messages.create(
    model="caicaini/auto",
    max_tokens=100,
    messages=[
        {
            "role": "user",
            "content": [
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": picture},
                },
                {"type": "text", "text": "Which colour is this?"},
            ],
        }
    ],
)

print(message.content[0].text)
