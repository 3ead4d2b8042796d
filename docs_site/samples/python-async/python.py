import asyncio
import os

from anthropic import AsyncAnthropic

client = AsyncAnthropic(
    base_url="http://localhost:8000",
    api_key=os.environ["CAICAINI_API_KEY"],
)


async def ask(question: str) -> str:
    message = await client.messages.create(
        model="caicaini/auto",
        max_tokens=30,
        messages=[{"role": "user", "content": question}],
    )
    return message.content[0].text


async def main() -> None:
    answers = await asyncio.gather(ask("Name a colour."), ask("Name a fruit."))
    for answer in answers:
        print("answer:", answer)


asyncio.run(main())
