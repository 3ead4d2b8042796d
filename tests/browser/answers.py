"""Checks answers, as curl printed them, against their documented shapes; returns their prices."""

import json
from typing import Any


def credits_of_answer(message: dict[str, Any]) -> int:
    """Check a non-streaming answer with text; return its price in credits."""
    assert message["id"].startswith("msg_")
    assert (message["type"], message["role"]) == ("message", "assistant")
    assert message["model"] == "caicaini/swift"
    assert message["content"][0]["type"] == "text"
    assert message["content"][0]["text"].strip()
    assert message["stop_reason"] in {"end_turn", "max_tokens"}
    return _credits_of(message["usage"])


def trickled(pieces: list[str]) -> bool:
    """Whether the text arrived in several pieces."""
    return sum("content_block_delta" in piece for piece in pieces) > 1


def credits_of_stream(pieces: list[str]) -> int:
    """Check that the pieces are one well-formed stream with text; return its price in credits."""
    stream, _, status = "".join(pieces).rpartition("\n")
    assert status == "200"
    events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: ")]
    assert events[0]["type"] == "message_start"
    assert events[-1]["type"] == "message_stop"
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(delta["text"] for delta in deltas).strip()
    return _credits_of(events[-2]["usage"])


def expect_error(body: dict[str, Any], *, error_type: str) -> None:
    """Check the common shape of all errors."""
    assert body["type"] == "error"
    assert body["error"]["type"] == error_type
    assert body["error"]["message"]
    assert body["request_id"].startswith("req_")


def _credits_of(usage: dict[str, int]) -> int:
    """Return the price; it and both token counts must be positive."""
    assert usage["input_tokens"] + usage["cache_read_input_tokens"] > 0
    assert usage["output_tokens"] > 0
    assert usage["credits_consumed"] > 0
    return usage["credits_consumed"]
