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
                    "type": "document",
                    "title": "Opening hours",
                    "source": {
                        "type": "text",
                        "media_type": "text/plain",
                        "data": "Monday to Friday, 9 to 17.",
                    },
                },
                {"type": "text", "text": "Is it open on Sundays?"},
            ],
        }
    ],
)

print(message.content[0].text)
