"""The reply to a plain request: one JSON object, or the events of a stream nobody asked for.

Some servers and proxies always stream. Their events are put together into the reply that they are
the parts of.
"""

from collections.abc import Mapping
from typing import Any

from catalogue.habits import USUAL, Habits
from gateway.errors import UpstreamFailed
from gateway.formats.protocol import Format
from gateway.reply import tool_inputs
from gateway.reply.events import (
    BlockDelta,
    BlockStart,
    Event,
    MessageDelta,
    Reply,
    UpstreamErrorEvent,
)
from gateway.request.parse import MessagesRequest

_READ_BYTES = 1024
_BLANK = b"\xef\xbb\xbf \t\r\n"
_EVENT_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_TEXT_OF_DELTA = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "input",
    "compaction_delta": "content",
}


def decode(
    wire: Format,
    body: bytes,
    *,
    request: MessagesRequest,
    hide: Mapping[str, str] | None = None,
    upstream_id: int = 0,
    habits: Habits = USUAL,
) -> Reply:
    """Raises UpstreamError, as `Format.decode_reply` does."""
    # A reply begins so, and the rest need not be looked at then.
    if body[:1] == b"{" or not body[:_READ_BYTES].lstrip(_BLANK).startswith(_EVENT_FIELDS):
        return wire.decode_reply(
            body, request=request, hide=hide, upstream_id=upstream_id, habits=habits
        )
    stream = wire.open_stream(request=request, hide=hide, upstream_id=upstream_id, habits=habits)
    return _put_together(stream.feed(body) + stream.close())


def _put_together(events: list[Event]) -> Reply:
    content: list[dict[str, Any]] = []
    for event in events:
        if isinstance(event, BlockStart):
            content.append(dict(event.block))
        elif isinstance(event, BlockDelta):
            _extend(content[-1], event.delta)
        elif isinstance(event, UpstreamErrorEvent):
            raise event.error
        elif isinstance(event, MessageDelta):
            complete = [_with_input(block) for block in content]
            return Reply(
                complete,
                event.stop_reason,
                event.stop_sequence,
                event.usage,
                event.members | event.extras,
            )
    raise UpstreamFailed


def _extend(block: dict[str, Any], delta: dict[str, Any]) -> None:
    if delta["type"] == "citations_delta":
        block["citations"] = [*block.get("citations", []), delta["citation"]]
        return
    name = _TEXT_OF_DELTA[delta["type"]]
    text = delta["partial_json" if name == "input" else name]
    block[name] = (block.get(name) or "") + text if text is not None else block.get(name)


def _with_input(block: dict[str, Any]) -> dict[str, Any]:
    if isinstance(block.get("input"), str):
        return block | {"input": tool_inputs.parse(block["input"])}
    return block
