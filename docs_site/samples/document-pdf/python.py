import base64
import os
from pathlib import Path

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)
invoice = base64.b64encode(Path("invoice.pdf").read_bytes()).decode()

message = client.messages.create(
    model="caicaini/auto",
    max_tokens=100,
    messages=[
        {
            "role": "user",
            "content": [
                {
                    "type": "document",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": invoice},
                },
                {"type": "text", "text": "When is this invoice due?"},
            ],
        }
    ],
)

print(message.content[0].text)
print("input tokens:", message.usage.input_tokens)
