import os

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)

model = client.models.retrieve("caicaini/swift")

print("name:", model.display_name)
print("context:", model.max_input_tokens)
print("credits per million output tokens:", model.credits_per_million_tokens["output"])
