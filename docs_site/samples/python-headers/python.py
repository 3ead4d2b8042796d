import os

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)

response = client.messages.with_raw_response.create(
    model="caicaini/auto",
    max_tokens=30,
    messages=[{"role": "user", "content": "Name a colour."}],
)
message = response.parse()

print(message.content[0].text)
print("request:", response.headers["request-id"])
print("route:", response.headers["caicaini-route"])
print("credits:", response.headers["caicaini-credits-consumed"])
print("requests left:", response.headers["anthropic-ratelimit-requests-remaining"])
