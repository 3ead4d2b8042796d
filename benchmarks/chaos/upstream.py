"""An upstream that takes 80 ms for each word of an answer of random length."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import msgspec

_WORDS_EVERY_S = 0.08
_MOST_WORDS = 30
SLOWEST_S = _MOST_WORDS * _WORDS_EVERY_S


class Upstream:
    """Answers in the Messages format, plain or streaming, with a random number of words."""

    def __init__(
        self, *, stream_words: range = range(1, 31), answer_words: range = range(1, 31)
    ) -> None:
        self._stream_words = stream_words
        self._answer_words = answer_words

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve for the block; yields the address."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512)
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                body = msgspec.json.decode(await reader.readexactly(length))
                if body.get("stream"):
                    await _stream(writer, random.choice(self._stream_words))
                else:
                    await _answer(writer, random.choice(self._answer_words))


async def _answer(writer: asyncio.StreamWriter, words: int) -> None:
    await asyncio.sleep(words * _WORDS_EVERY_S)
    body = msgspec.json.encode(
        {
            **_message(),
            "content": [{"type": "text", "text": "word " * words}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 14, "output_tokens": words},
        }
    )
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    writer.write(head.encode() + b"\r\n\r\n" + body)
    await writer.drain()


async def _stream(writer: asyncio.StreamWriter, words: int) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    start = {**_message(), "usage": {"input_tokens": 14, "output_tokens": 1}}
    block = {"type": "text", "text": ""}
    delta = {"type": "text_delta", "text": "word "}
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    _event(writer, "message_start", message=start)
    _event(writer, "content_block_start", index=0, content_block=block)
    for _ in range(words):
        _event(writer, "content_block_delta", index=0, delta=delta)
        await writer.drain()
        await asyncio.sleep(_WORDS_EVERY_S)
    _event(writer, "content_block_stop", index=0)
    _event(writer, "message_delta", delta=end, usage={"output_tokens": words})
    _event(writer, "message_stop")
    writer.write(b"0\r\n\r\n")
    await writer.drain()


def _message() -> dict[str, object]:
    return {
        "id": "msg_upstream",
        "type": "message",
        "role": "assistant",
        "model": "bench",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _event(writer: asyncio.StreamWriter, kind: str, **members: object) -> None:
    data = msgspec.json.encode({"type": kind, **members})
    frame = b"event: %b\ndata: %b\n\n" % (kind.encode(), data)
    writer.write(b"%x\r\n%b\r\n" % (len(frame), frame))
