"""Event streams of a Messages upstream, and the gateway's decoder for them."""

import json
from typing import Any

from gateway.formats import FORMATS, Stream
from gateway.reply import token_usage
from gateway.request import parse
from tests.support.stream_grammar import Seen, run

REQUEST = parse.messages_request(
    b'{"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}'
)
ESTIMATE = token_usage.estimate_tokens(REQUEST.text_bytes)


def new_stream() -> Stream:
    return FORMATS["messages"].open_stream(request=REQUEST)


def frame(event: dict[str, Any], *, end: str = "\n") -> bytes:
    return f"event: {event['type']}{end}data: {json.dumps(event)}{end}{end}".encode()


def start(**usage: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {"id": "upstream", "usage": usage}}


def opened(index: Any, kind: str, **rest: Any) -> dict[str, Any]:
    block = {"type": kind} | rest
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: Any, kind: str, value: Any) -> dict[str, Any]:
    name = {"input_json_delta": "partial_json"}.get(kind, kind.removesuffix("_delta"))
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, name: value}}


def text(index: Any, value: str) -> dict[str, Any]:
    return delta(index, "text_delta", value)


def stop(index: Any) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def ending(reason: Any = "end_turn", sequence: Any = None, **usage: Any) -> list[dict[str, Any]]:
    end = {"stop_reason": reason, "stop_sequence": sequence}
    return [{"type": "message_delta", "delta": end, "usage": usage}, {"type": "message_stop"}]


START = start(input_tokens=10, output_tokens=1)
END = ending(output_tokens=5)
HELLO = [opened(0, "text", text=""), text(0, "Hello"), stop(0)]
HELLO_TOKENS = 2  # the estimate for "Hello"


def tool(index: int, name: str = "clock", call_id: str = "call_1") -> dict[str, Any]:
    return opened(index, "tool_use", id=call_id, name=name, input={})


def fragment(index: int, value: str) -> dict[str, Any]:
    return delta(index, "input_json_delta", value)


def see(*events: dict[str, Any]) -> Seen:
    return run(new_stream(), *map(frame, events))
