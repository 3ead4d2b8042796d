import json
import os
from urllib.request import Request, urlopen

from anthropic import Anthropic

token = os.environ["CAICAINI_API_KEY"]
client = Anthropic(base_url="http://localhost:8000", auth_token=token)

response = client.messages.with_raw_response.create(
    model="caicaini/auto",
    max_tokens=20,
    messages=[{"role": "user", "content": "Say hello."}],
)
request_id = response.headers["request-id"]
print("left:", response.headers["caicaini-credits-remaining"])

with urlopen(
    Request(
        f"http://localhost:8000/v1/requests/{request_id}",
        headers={"Authorization": f"Bearer {token}"},
    )
) as answer:
    receipt = json.load(answer)

for line in receipt["lines"]:
    print("line:", line["class"], line["tokens"], "at", line["credits_per_million_tokens"])
print("exact:", receipt["microcredits"] / 1_000_000, "charged:", receipt["credits_consumed"])
