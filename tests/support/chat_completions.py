"""Encodes requests as chat completions and decodes completions, with samples of both."""

import json
from typing import Any

from catalogue import habits as catalogue_habits
from catalogue.habits import USUAL, Habits
from catalogue.snapshot import UpstreamRow
from gateway.formats import FORMATS
from gateway.reply.events import Reply
from gateway.request import parse
from gateway.request.parse import MessagesRequest

FORMAT = FORMATS["chat_completions"]
MINIMAL: dict[str, Any] = {
    "model": "caicaini/auto",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "Hello"}],
}
TEXT = {"type": "text", "text": "Hello"}
CALL = {"type": "tool_use", "id": "call_1", "name": "clock", "input": {"zone": "UTC", "a": 1}}
RESULT = {"type": "tool_result", "tool_use_id": "call_1", "content": "noon"}
TOOL = {"name": "clock", "input_schema": {"type": "object", "$schema": "x"}}
LONG_NAME = "mcp__" + "a" * 100


def upstream(dialect: str = "", *, number: int = 7, **own: Any) -> UpstreamRow:
    """An upstream with habits."""
    resolved = catalogue_habits.resolve(dialect, own)
    return UpstreamRow(number, "chat_completions", "http://x", "m", "", 0, 1, habits=resolved)


def request(**fields: Any) -> MessagesRequest:
    return parse.messages_request(json.dumps(MINIMAL | fields).encode())


def encoded(
    *,
    upstream_model: str = "real-model",
    max_tokens: int = 64,
    capabilities: frozenset[str] | None = None,
    upstream: UpstreamRow | None = None,
    **fields: Any,
) -> dict[str, Any]:
    checked = request(**fields)
    post = FORMAT.encode_request(
        checked,
        upstream_model=upstream_model,
        max_tokens=max_tokens,
        stream=checked.stream,
        beta="ignored",
        capabilities=capabilities,
        upstream=upstream,
    )
    assert post.path == "/v1/chat/completions"
    assert post.headers == {"content-type": "application/json"}
    body: dict[str, Any] = json.loads(post.body)
    return body


def decoded(
    message: dict[str, Any],
    *,
    checked: MessagesRequest | None = None,
    finish_reason: Any = "stop",
    usage: Any = None,
    upstream_id: int = 0,
    habits: Habits = USUAL,
    **choice: Any,
) -> Reply:
    completion = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": message, "finish_reason": finish_reason} | choice,
        ],
        "usage": usage or {"prompt_tokens": 10, "completion_tokens": 5},
    }
    body = json.dumps(completion).encode()
    return FORMAT.decode_reply(
        body, request=checked or request(), upstream_id=upstream_id, habits=habits
    )


def called(name: str, arguments: Any, call_id: Any = "a") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}
