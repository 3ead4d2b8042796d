import os

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)

count = client.messages.count_tokens(
    model="caicaini/auto",
    messages=[{"role": "user", "content": "Write one sentence about the sea."}],
)

print("input tokens:", count.input_tokens)
