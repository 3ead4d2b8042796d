import os

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)

for model in client.models.list():
    print("model:", model.id, model.max_input_tokens)
