"""Chunks of a streamed chat completion, and the gateway's decoder for them."""

import json
from typing import Any

from catalogue.habits import USUAL, Habits
from gateway.formats import FORMATS, Stream
from gateway.request import parse
from tests.support.stream_grammar import Seen, run

REQUEST = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}


def new_stream(*, upstream_id: int = 0, habits: Habits = USUAL, **fields: Any) -> Stream:
    request = parse.messages_request(json.dumps(REQUEST | fields).encode())
    wire = FORMATS["chat_completions"]
    return wire.open_stream(request=request, upstream_id=upstream_id, habits=habits)


ESTIMATE = new_stream().usage_so_far().input_tokens


def chunk(delta: Any = None, finish_reason: Any = None, **rest: Any) -> bytes:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish_reason} | rest
    return frame({"object": "chat.completion.chunk", "choices": [choice]})


def frame(data: Any) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def usage(prompt: Any = 10, completion: Any = 5, **rest: Any) -> bytes:
    counts = {"prompt_tokens": prompt, "completion_tokens": completion} | rest
    return frame({"choices": [], "usage": counts})


def text(value: str) -> bytes:
    return chunk({"content": value})


def call(index: Any = 0, name: Any = None, arguments: Any = None, call_id: Any = None) -> bytes:
    return chunk({"tool_calls": [piece(index, name, arguments, call_id)]})


def piece(index: Any, name: Any, arguments: Any, call_id: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    fields = {"index": index, "id": call_id, "type": "function", "function": function}
    return {key: value for key, value in fields.items() if value is not None}


ROLE = chunk({"role": "assistant", "content": ""})
DONE = b"data: [DONE]\n\n"
END = chunk({}, "stop") + usage() + DONE


def see(*chunks: bytes, **fields: Any) -> Seen:
    return run(new_stream(**fields), *chunks)


CALL = call(0, "a", "{}", "1")
CUT = call(0, "a", '{"x": ', "1")
