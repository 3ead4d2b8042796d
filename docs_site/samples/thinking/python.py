import os

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)

message = client.messages.create(
    model="caicaini/auto",
    max_tokens=4096,
    thinking={"type": "enabled", "budget_tokens": 2048},
    messages=[{"role": "user", "content": "Is 2027 a prime number?"}],
)

for block in message.content:
    if block.type == "thinking":
        print("thought:", block.thinking)
    elif block.type == "text":
        print("answer:", block.text)
print("output tokens:", message.usage.output_tokens)
