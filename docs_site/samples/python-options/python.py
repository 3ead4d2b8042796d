import os

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
    timeout=120.0,  # seconds, for each attempt
    max_retries=4,
)

# For one call: no retry, and a shorter time limit.
message = client.with_options(timeout=30.0, max_retries=0).messages.create(
    model="caicaini/auto",
    max_tokens=30,
    messages=[{"role": "user", "content": "Name a colour."}],
)
print("answer:", message.content[0].text)
