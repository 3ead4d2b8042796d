import json
import os
from urllib.error import HTTPError
from urllib.request import Request, urlopen

request = Request(
    "http://localhost:8000/v1/messages",
    headers={
        "Authorization": f"Bearer {os.environ['CAICAINI_API_KEY']}",
        "Content-Type": "application/json",
    },
    data=json.dumps(
        {
            "model": "caicaini/auto",
            "max_tokens": 50,
            "messages": [{"role": "user", "content": "Write one sentence about the sea."}],
        }
    ).encode(),
)

try:
    with urlopen(request, timeout=600) as response:
        message = json.load(response)
except HTTPError as error:
    raise SystemExit(f"{error.code}: {error.read().decode()}") from error

print(message["content"][0]["text"])
print("credits:", message["usage"]["credits_consumed"])
