import os

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)
received = ""

with client.messages.stream(
    model="caicaini/auto",
    max_tokens=1000,
    messages=[{"role": "user", "content": "Count to a thousand."}],
) as stream:
    for text in stream.text_stream:
        received += text
        if "five" in received:
            break  # leaving the block closes the connection

print("received:", received)
