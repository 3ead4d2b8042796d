import os

import anthropic

client = anthropic.Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)

try:
    client.messages.create(
        model="caicaini/auto",
        max_tokens=0.5,  # wrong on purpose: whole numbers only
        messages=[{"role": "user", "content": "Write one sentence about the sea."}],
    )
except anthropic.APIConnectionError as error:
    print("not reached:", error)
except anthropic.RateLimitError as error:
    print("retry after:", error.response.headers.get("retry-after"))
except anthropic.APIStatusError as error:
    print("status:", error.status_code)
    print("type:", error.body["error"]["type"])
    print("code:", error.body["error"]["details"]["error_code"])
    print("message:", error.body["error"]["message"])
    print("request:", error.request_id)
