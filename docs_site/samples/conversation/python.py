import os

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)
messages = []

for question in ["My name is Ada.", "What is my name?"]:
    messages.append({"role": "user", "content": question})
    answer = client.messages.create(
        model="caicaini/auto",
        max_tokens=60,
        system="You answer in one short sentence.",
        messages=messages,
    )
    messages.append({"role": "assistant", "content": answer.content})
    print(answer.content[0].text)
    print("input tokens:", answer.usage.input_tokens)
