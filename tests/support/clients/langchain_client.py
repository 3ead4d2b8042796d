"""Carries conversations with LangChain.

usage: python langchain_client.py BASE_URL API_KEY WALKS
"""

import json
import sys
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool


def look(at: str = "") -> str:
    """Look at something."""
    return "ok"


def listen() -> str:
    """Listen."""
    return "ok"


TOOLS = {"look": tool(look), "listen": tool(listen)}


def carry(walk: dict[str, Any], url: str, key: str) -> list[dict[str, Any]]:
    """Return the turns of the conversation."""
    messages: list[Any] = [HumanMessage(walk["prompt"])]
    turns = []
    for model in walk["models"]:
        reply = _ask(_model(model, url, key), messages, stream=walk["stream"])
        messages.append(reply)
        for call in reply.tool_calls:
            result = TOOLS[call["name"]].invoke(call["args"])
            messages.append(ToolMessage(result, tool_call_id=call["id"]))
        if not reply.tool_calls:
            messages.append(HumanMessage("Go on."))
        turns.append(_turn(reply))
    return turns


def _model(name: str, url: str, key: str) -> Any:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    chat = ChatAnthropic(
        model=name, base_url=url, api_key=key, max_tokens=2000, max_retries=0, thinking=thinking
    )
    return chat.bind_tools(list(TOOLS.values()))


def _ask(model: Any, messages: list[Any], *, stream: bool) -> Any:
    if not stream:
        return model.invoke(messages)
    first, *others = model.stream(messages)
    return sum(others, first)


def _turn(reply: Any) -> dict[str, Any]:
    blocks = [block for block in reply.content if isinstance(block, dict)]
    return {
        "thinking": "".join(block.get("thinking", "") for block in blocks),
        "text": reply.text,
        "calls": [call["name"] for call in reply.tool_calls],
    }


url, key, walks = sys.argv[1:]
json.dump([carry(walk, url, key) for walk in json.loads(walks)], sys.stdout)
