"""Reads the gateway's streams, asserts their grammar, and shares no decoding with the gateway.

message_start *(ping) 1*block message_delta message_stop        success
message_start *(block / partial) error                          failure
"""

import json
from dataclasses import dataclass, field
from typing import Any

from gateway.formats import Stream
from gateway.reply.events import FrameEncoder, MessageDelta, UpstreamErrorEvent, Usage

_DELTAS_OF_BLOCK = {
    "text": {"text_delta", "citations_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
    "server_tool_use": {"input_json_delta"},
    "compaction": {"compaction_delta"},
}


# A block of another type is passed on as it is.
_KNOWN_BLOCKS = {*_DELTAS_OF_BLOCK, "redacted_thinking", "web_search_tool_result"}


@dataclass
class Seen:
    """A stream as a client has assembled it."""

    blocks: list[dict[str, Any]] = field(default_factory=list)
    start_usage: dict[str, Any] | None = None
    ending: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    is_open: bool = False  # the last block was never closed

    def joined(self, kind: str) -> str:
        """All text of one kind of block, in order."""
        return "".join(block[kind] for block in self.blocks if block["type"] == kind)

    def kinds(self) -> list[str]:
        return [block["type"] for block in self.blocks]

    def calls(self) -> list[tuple[str, Any]]:
        tools = [block for block in self.blocks if block["type"] == "tool_use"]
        return [(block["name"], block["input"]) for block in tools]


def run(stream: Stream, *chunks: bytes) -> Seen:
    """Feed the chunks and the end of the connection; read the events as a client would."""
    events = [event for chunk in chunks for event in stream.feed(chunk)] + stream.close()
    encoder = FrameEncoder(message_id="msg_1", model="caicaini/test")
    frames = []
    for event in events:
        if isinstance(event, MessageDelta):
            usage = event.usage or Usage(0, 0)
            frames.append(encoder.final(event, usage=usage, credits_consumed=7))
        elif isinstance(event, UpstreamErrorEvent):
            frames.append(event.error.frame("req_1"))
        else:
            frames.append(encoder.frame(event))
    return read(b"".join(frames))


def read(raw: bytes) -> Seen:
    """Assert the grammar and collect the content."""
    assert raw.endswith(b"\n\n")
    events = [_frame(frame) for frame in raw[:-2].split(b"\n\n")]
    seen = Seen()
    if events[0]["type"] != "error":
        _start(events.pop(0), seen)
    if events[-1]["type"] == "error":
        seen.error = events.pop()["error"]
        assert isinstance(seen.error["message"], str)
    else:
        assert events.pop() == {"type": "message_stop"}
        _end(events.pop(), seen)
    seen.is_open = _blocks(events, seen)
    if seen.error is None:
        assert not seen.is_open, "a block was left open"
        assert seen.blocks, "a message has at least one block"
        _parse_inputs(seen)
    return seen


def _frame(frame: bytes) -> dict[str, Any]:
    event_line, data_line = frame.split(b"\n")
    assert event_line.startswith(b"event: ")
    assert data_line.startswith(b"data: ")
    data: dict[str, Any] = json.loads(data_line[6:])
    assert data["type"] == event_line[7:].decode()
    return data


def _start(event: dict[str, Any], seen: Seen) -> None:
    assert event["type"] == "message_start"
    message = event["message"]
    assert (message["id"], message["model"]) == ("msg_1", "caicaini/test")
    assert (message["type"], message["role"], message["content"]) == ("message", "assistant", [])
    assert message["stop_reason"] is None
    assert message["stop_sequence"] is None
    _assert_counts(message["usage"])
    assert "credits_consumed" not in message["usage"]
    seen.start_usage = message["usage"]


def _end(event: dict[str, Any], seen: Seen) -> None:
    assert event["type"] == "message_delta"
    assert isinstance(event["delta"]["stop_reason"], str)
    assert "stop_sequence" in event["delta"]
    _assert_counts(event["usage"])
    assert event["usage"]["credits_consumed"] == 7
    seen.ending, seen.usage = event["delta"], event["usage"]


def _assert_counts(usage: dict[str, Any]) -> None:
    for side in ("input", "output", "cache_creation_input", "cache_read_input"):
        assert type(usage[f"{side}_tokens"]) is int
        assert usage[f"{side}_tokens"] >= 0


def _blocks(events: list[dict[str, Any]], seen: Seen) -> bool:
    is_open = False
    is_signed = False
    for event in events:
        if event["type"] == "ping":
            continue
        if event["type"] == "content_block_start":
            assert not is_open, "two blocks are open at once"
            assert event["index"] == len(seen.blocks)
            seen.blocks.append(_opened(event["content_block"]))
            is_open, is_signed = True, False
            continue
        assert is_open, f"{event['type']} outside a block"
        assert event["index"] == len(seen.blocks) - 1
        if event["type"] == "content_block_stop":
            is_open = False
            continue
        assert event["type"] == "content_block_delta"
        assert not is_signed, "the signature comes last"
        is_signed = event["delta"]["type"] == "signature_delta"
        _add(seen.blocks[-1], event["delta"])
    return is_open


def _opened(block: dict[str, Any]) -> dict[str, Any]:
    kind = block["type"]
    if kind == "text":
        assert block == {"type": "text", "text": ""}
    elif kind == "thinking":
        assert block == {"type": "thinking", "thinking": "", "signature": ""}
    elif kind in ("tool_use", "server_tool_use"):
        assert block["id"]
        assert block["name"]
        assert block["input"] == {}
        return block | {"json": ""}
    assert kind not in _KNOWN_BLOCKS - {"compaction"} or None not in block.values()
    return dict(block)


def _add(block: dict[str, Any], delta: dict[str, Any]) -> None:
    kind = delta["type"]
    if block["type"] not in _KNOWN_BLOCKS:
        block.setdefault("deltas", []).append(delta)
        return
    assert kind in _DELTAS_OF_BLOCK[block["type"]]
    if kind == "text_delta":
        block["text"] += delta["text"]
    elif kind == "thinking_delta":
        block["thinking"] += delta["thinking"]
    elif kind == "signature_delta":
        block["signature"] = delta["signature"]
    elif kind == "input_json_delta":
        block["json"] += delta["partial_json"]
    elif kind == "compaction_delta":
        block |= {name: value for name, value in delta.items() if name != "type"}
    else:
        block.setdefault("citations", []).append(delta["citation"])


def _parse_inputs(seen: Seen) -> None:
    """Inputs are objects; only a call that the token limit cut may be incomplete."""
    assert seen.ending is not None
    for block in seen.blocks:
        if "json" not in block:
            continue
        try:
            block["input"] = json.loads(block["json"] or "{}")
        except ValueError:
            assert seen.ending["stop_reason"] != "tool_use"
            continue
        assert isinstance(block["input"], dict)
