"""Carries conversations with an agent of pydantic-ai.

usage: python pydantic_ai_client.py BASE_URL API_KEY WALKS
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse, TextPart, ThinkingPart, ToolCallPart
from pydantic_ai.models.anthropic import AnthropicModel, AnthropicModelSettings
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.providers.anthropic import AnthropicProvider

SETTINGS = AnthropicModelSettings(
    max_tokens=2000, anthropic_thinking={"type": "enabled", "budget_tokens": 1024}
)


class Route(WrapperModel):  # type: ignore[misc]
    """Asks another model with each request."""

    def __init__(self, models: list[Any]) -> None:
        super().__init__(models[0])
        self._models = models
        self.asked = 0

    async def request(self, *args: Any) -> Any:
        self._advance()
        return await super().request(*args)

    @asynccontextmanager
    async def request_stream(self, *args: Any) -> AsyncIterator[Any]:
        self._advance()
        async with super().request_stream(*args) as response:
            yield response

    def _advance(self) -> None:
        self.wrapped = self._models[self.asked]
        self.asked += 1


def look(at: str = "") -> str:
    """Look at something."""
    return "ok"


def listen() -> str:
    """Listen."""
    return "ok"


async def drain(_context: Any, events: Any) -> None:
    """Receive the events of a stream; an agent with such a handler streams."""
    async for _ in events:
        pass


async def carry(walk: dict[str, Any], url: str, key: str) -> list[dict[str, Any]]:
    """Return the turns of the conversation."""
    provider = AnthropicProvider(base_url=url, api_key=key)
    route = Route([AnthropicModel(name, provider=provider) for name in walk["models"]])
    agent = Agent(route, tools=[look, listen], model_settings=SETTINGS)
    history: list[Any] = []
    prompt = walk["prompt"]
    while route.asked < len(walk["models"]):
        handler = drain if walk["stream"] else None
        run = await agent.run(prompt, message_history=history, event_stream_handler=handler)
        history, prompt = run.all_messages(), "Go on."
    return [_turn(message) for message in history if isinstance(message, ModelResponse)]


def _turn(reply: Any) -> dict[str, Any]:
    def joined(kind: Any) -> str:
        return "".join(part.content for part in reply.parts if isinstance(part, kind))

    calls = [part.tool_name for part in reply.parts if isinstance(part, ToolCallPart)]
    return {"thinking": joined(ThinkingPart), "text": joined(TextPart), "calls": calls}


async def main() -> None:
    url, key, walks = sys.argv[1:]
    json.dump([await carry(walk, url, key) for walk in json.loads(walks)], sys.stdout)


asyncio.run(main())
