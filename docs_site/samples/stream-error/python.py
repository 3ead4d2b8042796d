import os

from anthropic import Anthropic, APIStatusError

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)
received = ""

try:
    with client.messages.stream(
        model="caicaini/auto",
        max_tokens=100,
        messages=[{"role": "user", "content": "Begin a story that breaks off."}],
    ) as stream:
        for text in stream.text_stream:
            received += text
except APIStatusError as error:
    print("received so far:", received)
    print("error:", error.type)
    print("request:", error.body["request_id"])
