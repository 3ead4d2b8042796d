import os

from anthropic import Anthropic

# The SDK waits as long as `retry-after` asks, or 0.5, 1, 2, … seconds, and tries again.
client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
    max_retries=5,
)

for review in ["Quick and friendly.", "Cold soup, and late."]:
    message = client.messages.create(
        model="caicaini/auto",
        max_tokens=20,
        messages=[{"role": "user", "content": f"Good or bad review? {review}"}],
    )
    print("review:", message.content[0].text)
