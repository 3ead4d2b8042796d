"""Bodies of POST /v1/messages, and their parser."""

import json
from typing import Any

import pytest

from gateway.errors import InvalidRequest
from gateway.request import parse
from gateway.request.parse import MessagesRequest

MINIMAL: dict[str, Any] = {
    "model": "caicaini/auto",
    "max_tokens": 16,
    "messages": [{"role": "user", "content": "Hello"}],
}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
TEXT = {"type": "text", "text": "Hello"}
CALL = {"type": "tool_use", "id": "call_1", "name": "clock", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "call_1", "content": "noon"}
TOOL = {"name": "clock", "input_schema": {"type": "object"}}
BREAKPOINT = {"cache_control": {"type": "ephemeral"}}


def parsed(**fields: Any) -> MessagesRequest:
    return parse.messages_request(json.dumps(MINIMAL | fields).encode())


def rejection(**fields: Any) -> str:
    """Return the message with which the request is rejected."""
    with pytest.raises(InvalidRequest) as caught:
        parsed(**fields)
    assert caught.value.status == 400
    return caught.value.message


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


OPTIONAL = [
    "thread",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "metadata",
    "service_tier",
    "speed",
    "thinking",
    "output_config",
    "context_management",
    "system",
    "tools",
    "tool_choice",
    "cache_control",
]
