"""Recorded answers of a Messages upstream come out of the gateway as they went in.

The recordings are written for this test, in the shapes of the public contract: one file for each
kind of event, block and ending. What may differ is what the functions here take away.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.formats import FORMATS
from gateway.reply.events import FrameEncoder, MessageDelta, UpstreamErrorEvent, encode_reply
from gateway.request import parse

RECORDINGS = Path(__file__).with_name("recordings")
TOOLS = [
    {"name": name, "input_schema": {"type": "object"}}
    for name in ("read_file", "write_file", "now")
]
REQUEST = {
    "model": "m",
    "max_tokens": 4096,
    "messages": [{"role": "user", "content": "Hello"}],
    "tools": TOOLS,
}
EMPTY_TEXT = {"type": "text", "text": ""}
KNOWN_EVENTS = {
    *("message_start", "content_block_start", "content_block_delta", "content_block_stop"),
    *("message_delta", "message_stop", "ping"),
}
OURS = ("credits_consumed", "credits_remaining")
INPUT_COUNTS = (
    *("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"),
    "cache_creation",
)
CHUNK = 97  # bytes, so that most events are cut


def _files(kind: str) -> list[Any]:
    return [pytest.param(path, id=path.stem) for path in sorted(RECORDINGS.glob(f"*.{kind}"))]


def _request() -> parse.MessagesRequest:
    return parse.messages_request(json.dumps(REQUEST).encode())


@pytest.mark.parametrize("recording", _files("json"))
def test_a_plain_answer_comes_out_as_it_went_in(recording: Path):
    recorded = json.loads(recording.read_bytes())

    reply = FORMATS["messages"].decode_reply(recording.read_bytes(), request=_request())
    body = encode_reply(
        reply, message_id="msg_ours", model="ours", usage=reply.usage, credits_consumed=7
    )

    told = json.loads(body)
    assert (told["id"], told["model"], told["usage"].pop("credits_consumed")) == (
        "msg_ours",
        "ours",
        7,
    )
    recorded["content"] = recorded["content"] or [EMPTY_TEXT]
    assert _without_names(told) == _without_names(recorded)


@pytest.mark.parametrize("recording", _files("sse"))
def test_a_stream_comes_out_as_it_went_in(recording: Path):
    recorded = recording.read_bytes()
    stream = FORMATS["messages"].open_stream(request=_request())
    chunks = [recorded[at : at + CHUNK] for at in range(0, len(recorded), CHUNK)]
    events = [event for chunk in chunks for event in stream.feed(chunk)] + stream.close()
    encoder = FrameEncoder(message_id="msg_ours", model="ours")
    frames = []
    for event in events:
        assert not isinstance(event, UpstreamErrorEvent)
        if isinstance(event, MessageDelta):
            frames.append(encoder.final(event, usage=event.usage, credits_consumed=7))
        else:
            frames.append(encoder.frame(event))

    told = _read(b"".join(frames))

    assert _comparable(told) == _comparable(_expected(_read(recorded), told))


def _read(raw: bytes) -> list[dict[str, Any]]:
    """The events. Their names are those in their data, and padding is no part of it."""
    read = []
    for frame in raw.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in frame.splitlines() if ": " in line)
        if "data" in lines:
            read.append(json.loads(lines["data"]))
            assert read[-1]["type"] == lines["event"]
    return read


def _expected(recorded: list[dict[str, Any]], told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The recorded events with what the gateway adds and leaves out."""
    start, *rest = [event for event in recorded if event["type"] in KNOWN_EVENTS]
    rest = [event for event in rest if event["type"] != "message_start"]
    if not any(event["type"] == "content_block_start" for event in rest):
        opened = {"type": "content_block_start", "index": 0, "content_block": EMPTY_TEXT}
        rest = [opened, {"type": "content_block_stop", "index": 0}, *rest]
    if rest[-1]["type"] != "message_stop":
        rest.append({"type": "message_stop"})
    for event in rest:
        if event["type"] == "message_delta":
            counts = {name: start["message"]["usage"].get(name) for name in INPUT_COUNTS}
            event["usage"] = counts | event["usage"]
            # Uses of tools that the upstream does not count are counted here, and charged.
            uses = [one for one in told if one["type"] == "message_delta"][-1]["usage"]
            event["usage"].setdefault("server_tool_use", uses.get("server_tool_use"))
            if event["usage"]["server_tool_use"] is None:
                del event["usage"]["server_tool_use"]
    return [start, *rest]


def _comparable(events: list[dict[str, Any]]) -> list[Any]:
    """Events without names, with blocks in the order of their opening, and with the deltas of a
    tool's input as one."""
    seen: list[Any] = []
    order: dict[int, int] = {}
    for event in events:
        if event["type"] == "content_block_start":
            order[event["index"]] = len(order)
        if "index" in event:
            event["index"] = order[event["index"]]
        if event["type"] == "message_start":
            event["message"] = _without_names(event["message"])
        if event["type"] == "message_delta":
            event["usage"] = {k: v for k, v in event["usage"].items() if k not in OURS}
        if event["type"] == "content_block_delta":
            _add_delta(event, seen)
        else:
            seen.append(event)
    return seen


def _add_delta(event: dict[str, Any], seen: list[Any]) -> None:
    delta = event["delta"]
    if "" in (delta.get("text"), delta.get("thinking"), delta.get("partial_json")):
        return
    last = seen[-1]
    if delta["type"] == "input_json_delta" and last.get("delta", {}).get("type") == delta["type"]:
        last["delta"]["partial_json"] += delta["partial_json"]
    else:
        seen.append(event)


def _without_names(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name not in ("id", "model")}


def test_the_recordings_hold_each_kind_of_event():
    kinds = {
        event["type"] for path in RECORDINGS.glob("*.sse") for event in _read(path.read_bytes())
    }
    assert kinds > KNOWN_EVENTS
