import os

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)

with client.messages.stream(
    model="caicaini/auto",
    max_tokens=100,
    messages=[{"role": "user", "content": "Write one sentence about the sea."}],
) as stream:
    for event in stream:
        if event.type == "text":
            print(event.text, end="", flush=True)
        elif event.type == "message_delta":
            print("\ncredits:", event.usage.credits_consumed)
