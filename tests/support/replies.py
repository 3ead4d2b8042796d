"""Replies of a scripted upstream: complete answers, events and faults, in both wire formats.

upstream.script(says("Hello there"))                         a valid answer, streamed if requested
upstream.script(streams(*events("Hello")[:3], reset))        an event stream that breaks off
upstream.script(answers(b"<html>", content_type="text/html"))
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tests.support.scripted_upstream import Exchange, Play

Step = bytes | Callable[[Exchange], Awaitable[None]]

wait = Exchange.wait_for_release
silence = Exchange.stay_silent
half_close = Exchange.half_close
cut = Exchange.cut
reset = Exchange.reset


# More than a connection on this machine buffers: at most 10 MB with the settings of Linux.
_BUFFERED_CHUNKS, _CHUNK_BYTES = 256, 64 * 1024


async def until_read(exchange: Exchange) -> None:
    """Return once the other side has read all that was sent so far, by sending more comments than
    the buffers in between hold."""
    comment = b":" + b" " * (_CHUNK_BYTES - 3) + b"\n\n"
    for _ in range(_BUFFERED_CHUNKS):
        await exchange.chunk(comment)


def usage(
    input_tokens: int = 14, output_tokens: int = 23, *, cache_write: int = 0, cache_read: int = 0
) -> dict[str, int]:
    """Return token counts in the Messages shape."""
    return {
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cache_creation_input_tokens": cache_write,
        "cache_read_input_tokens": cache_read,
    }


_START_USAGE = usage(output_tokens=1)
_END_USAGE = usage()


def message(text: str = "Hello there", **members: Any) -> bytes:
    """Return a complete answer in the Messages format; `members` replace its own."""
    answer = {
        "id": "msg_of_the_upstream",
        "type": "message",
        "role": "assistant",
        "model": "a-name-for-insiders",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": usage(),
    }
    return json.dumps(answer | members).encode()


def event(kind: str, **members: Any) -> bytes:
    """Return one server-sent event of the Messages format."""
    data = json.dumps({"type": kind, **members})
    return f"event: {kind}\ndata: {data}\n\n".encode()


def events(
    text: str = "Hello there", *, start_usage: Any = _START_USAGE, end_usage: Any = _END_USAGE
) -> list[bytes]:
    """Return an answer as the events of a stream, a delta for each word:

    message_start, content_block_start, deltas, content_block_stop, message_delta, message_stop
    """
    started = {
        "id": "msg_of_the_upstream",
        "type": "message",
        "role": "assistant",
        "model": "a-name-for-insiders",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": start_usage,
    }
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        event("message_start", message=started),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(text_event(word) for word in words(text)),
        event("content_block_stop", index=0),
        event("message_delta", delta=delta, usage=end_usage),
        event("message_stop"),
    ]


def text_event(text: str, index: int = 0) -> bytes:
    """Return a delta of text."""
    return event("content_block_delta", index=index, delta={"type": "text_delta", "text": text})


def words(text: str) -> list[str]:
    """Split a text before each word; joined, the parts are the text again."""
    first, *rest = text.split(" ")
    return [first, *(f" {word}" for word in rest)]


def completion(text: str = "Hello there", **members: Any) -> bytes:
    """Return a complete answer in the chat completions format."""
    reply = {"role": "assistant", "content": text}
    answer = {
        "id": "chatcmpl-of-the-upstream",
        "object": "chat.completion",
        "model": "a-name-for-insiders",
        "choices": [{"index": 0, "message": reply, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 14, "completion_tokens": 23, "total_tokens": 37},
    }
    return json.dumps(answer | members).encode()


_CHAT_USAGE = {"prompt_tokens": 14, "completion_tokens": 23}


def chunks(text: str = "Hello there", *, token_usage: Any = _CHAT_USAGE) -> list[bytes]:
    """Return an answer as the chunks of a streamed completion, a chunk for each word."""
    return [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({"content": word}) for word in words(text)),
        chunk({}, finish_reason="stop"),
        data_event({"object": "chat.completion.chunk", "choices": [], "usage": token_usage}),
        b"data: [DONE]\n\n",
    ]


def chunk(delta: dict[str, Any], *, finish_reason: str | None = None) -> bytes:
    """Return one chunk with one choice."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return data_event({"object": "chat.completion.chunk", "choices": [choice]})


def data_event(value: dict[str, Any]) -> bytes:
    """Return an event without a name."""
    return f"data: {json.dumps(value)}\n\n".encode()


def says(text: str = "Hello there") -> Play:
    """Send a valid answer in the requested format, streamed or not: 14 tokens in, 23 out."""

    async def play(exchange: Exchange) -> None:
        is_chat = exchange.request.path.endswith("/chat/completions")
        if exchange.wants_stream:
            await streams(*(chunks(text) if is_chat else events(text)))(exchange)
        else:
            await exchange.reply(completion(text) if is_chat else message(text))

    return play


def answers(
    body: bytes,
    *,
    status: int = 200,
    content_type: str = "application/json",
    headers: tuple[str, ...] = (),
) -> Play:
    """Send one complete response to any request."""

    async def play(exchange: Exchange) -> None:
        await exchange.reply(body, status=status, content_type=content_type, headers=headers)

    return play


def counts(input_tokens: int) -> Play:
    """Answer a request to count tokens."""
    return answers(json.dumps({"input_tokens": input_tokens}).encode())


def streams(*steps: Step) -> Play:
    """Stream: send bytes as a chunk each, and run the other steps."""

    async def play(exchange: Exchange) -> None:
        await exchange.begin_events()
        await _take(steps, exchange, exchange.chunk)
        if not exchange.is_broken:
            await exchange.end_chunks()

    return play


def does(*steps: Step) -> Play:
    """Send raw bytes, including the head, and run the other steps; then close the connection."""

    async def play(exchange: Exchange) -> None:
        await _take(steps, exchange, exchange.send)
        if not exchange.is_broken:
            await exchange.cut()

    return play


async def _take(
    steps: Sequence[Step], exchange: Exchange, send: Callable[..., Awaitable[None]]
) -> None:
    """Take the steps, with bytes that no other step separates in one write. Whether they arrive in
    one read must not be up to the machine: a test that wants them apart waits between them."""
    together: list[bytes] = []
    for step in steps:
        if isinstance(step, bytes):
            together.append(step)
            continue
        if together:
            await send(*together)
            together = []
        await step(exchange)
    if together:
        await send(*together)


def then(first: Play, *rest: Play) -> Play:
    """Play `first` to the first request, the next to the next, and the last to all others."""
    remaining = [first, *rest]

    async def play(exchange: Exchange) -> None:
        current = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        await current(exchange)

    return play


def after_release(play: Play) -> Play:
    """Play once the test has released it."""

    async def delayed(exchange: Exchange) -> None:
        await exchange.wait_for_release()
        await play(exchange)

    return delayed


_MORE_THAN_A_REPLY_MIB = 65


def more_than_a_reply() -> Play:
    """Send more than the gateway accepts as one reply."""

    async def play(exchange: Exchange) -> None:
        mebibyte = b" " * (1024 * 1024)
        length = _MORE_THAN_A_REPLY_MIB * len(mebibyte)
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}"
        await exchange.send(f"{head}\r\n\r\n".encode())
        for _ in range(_MORE_THAN_A_REPLY_MIB):
            await exchange.send(mebibyte)

    return play
