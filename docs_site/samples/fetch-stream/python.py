import json
import os
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
            "stream": True,
            "messages": [{"role": "user", "content": "Write one sentence about the sea."}],
        }
    ).encode(),
)
is_complete = False

with urlopen(request, timeout=600) as response:
    for line in response:
        if not line.startswith(b"data: "):
            continue  # an event's name, a comment, or the empty line after an event
        event = json.loads(line.removeprefix(b"data: "))
        if event["type"] == "error":
            raise SystemExit(f"{event['error']['type']}: {event['error']['message']}")
        if event["type"] == "content_block_delta":
            print(event["delta"].get("text", ""), end="", flush=True)
        elif event["type"] == "message_delta":
            print("\ncredits:", event["usage"]["credits_consumed"])
        is_complete |= event["type"] == "message_stop"

if not is_complete:
    raise SystemExit("the connection broke off before the end")
