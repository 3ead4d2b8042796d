import os

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)

message = client.messages.create(
    model="caicaini/auto",
    max_tokens=100,
    messages=[{"role": "user", "content": "Write one sentence about the sea."}],
)

print(message.content[0].text)
print("credits:", message.usage.credits_consumed)
