import os
from pathlib import Path

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)
handbook = Path("handbook.txt").read_text()

for question in ["Who decides on returns?", "Who decides on gift cards?"]:
    message = client.messages.create(
        model="caicaini/auto",
        max_tokens=100,
        system=[
            {"type": "text", "text": "Answer from the handbook."},
            {"type": "text", "text": handbook, "cache_control": {"type": "ephemeral"}},
        ],
        messages=[{"role": "user", "content": question}],
    )
    usage = message.usage
    print("written:", usage.cache_creation_input_tokens)
    print("read:", usage.cache_read_input_tokens)
    print("credits:", usage.credits_consumed)
