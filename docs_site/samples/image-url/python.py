import os

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
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
                    "source": {"type": "url", "url": "https://example.com/receipt.png"},
                },
                {"type": "text", "text": "What is the total on this receipt?"},
            ],
        }
    ],
)

print(message.content[0].text)
