import os

from anthropic import Anthropic

client = Anthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)


def get_weather(city: str) -> str:
    return {"Lisbon": "Sunny, 21 degrees", "Oslo": "Snow, -3 degrees"}[city]


tools = [
    {
        "name": "get_weather",
        "description": "The weather in a city, now.",
        "input_schema": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    }
]
functions = {"get_weather": get_weather}
messages = [{"role": "user", "content": "Compare the weather in Lisbon and Oslo."}]

for _ in range(5):  # no more rounds than this
    answer = client.messages.create(
        model="caicaini/auto",
        max_tokens=500,
        tools=tools,
        messages=messages,
    )
    messages.append({"role": "assistant", "content": answer.content})
    results = []
    for block in answer.content:
        if block.type == "text":
            print(block.text)
        if block.type != "tool_use":
            continue
        result = {"type": "tool_result", "tool_use_id": block.id}
        try:
            result["content"] = functions[block.name](**block.input)
        except Exception as error:  # the model reads the text and tries something else
            result |= {"content": f"{type(error).__name__}: {error}", "is_error": True}
        print("tool:", block.name, block.input, "->", result["content"])
        results.append(result)
    if not results:
        break
    messages.append({"role": "user", "content": results})
