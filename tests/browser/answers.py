"""The documented shapes of answers, as curl has printed them, and the price that each names."""

import json
from typing import Any


def credits_of_answer(message: dict[str, Any]) -> int:
    """Check a whole answer with text in it."""
    assert message["id"].startswith("msg_")
    assert (message["type"], message["role"]) == ("message", "assistant")
    assert message["model"] == "caicaini/swift"
    assert message["content"][0]["type"] == "text"
    assert message["content"][0]["text"].strip()
    assert message["stop_reason"] in {"end_turn", "max_tokens"}
    return _credits_of(message["usage"])


def trickled(pieces: list[str]) -> bool:
    """Whether text came in many pieces."""
    return sum("content_block_delta" in piece for piece in pieces) > 1


def credits_of_stream(pieces: list[str]) -> int:
    """Check that the pieces together are one well-formed stream with text in it."""
    stream, _, status = "".join(pieces).rpartition("\n")
    assert status == "200"
    events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: ")]
    assert events[0]["type"] == "message_start"
    assert events[-1]["type"] == "message_stop"
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(delta["text"] for delta in deltas).strip()
    return _credits_of(events[-2]["usage"])


def expect_error(body: dict[str, Any], *, error_type: str) -> None:
    """Check the one shape that all errors have."""
    assert body["type"] == "error"
    assert body["error"]["type"] == error_type
    assert body["error"]["message"]
    assert body["request_id"].startswith("req_")


def _credits_of(usage: dict[str, int]) -> int:
    """Return the price, which is above nothing as tokens went in and came out."""
    assert usage["input_tokens"] + usage["cache_read_input_tokens"] > 0
    assert usage["output_tokens"] > 0
    assert usage["credits_consumed"] > 0
    return usage["credits_consumed"]
