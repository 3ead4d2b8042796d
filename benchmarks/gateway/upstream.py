"""A Messages-shaped upstream with a fixed answer or a paced stream.

Runs as a process of its own: `python -m benchmarks.gateway.upstream PORT`. Raw asyncio, so that its
own cost does not show in the measurements.
"""

import asyncio
import json
import re
import sys
from typing import cast

import uvloop

EVENTS_PER_SECOND = 20
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_MESSAGE = {
    "id": "msg_upstream",
    "type": "message",
    "role": "assistant",
    "model": "bench",
    "content": [{"type": "text", "text": "Hello! How can I help you today?" * 4}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 14, "output_tokens": 23},
}


def _event(name: str, data: dict[str, object]) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()


_START = _event("message_start", {"message": {**_MESSAGE, "content": [], "stop_reason": None}})
_START += _event("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}})
_DELTA = _event(
    "content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "and so on "}}
)
_END = _event("content_block_stop", {"index": 0})
_END += _event(
    "message_delta",
    {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": _MESSAGE["usage"]},
)
_END += _event("message_stop", {})

_BODY = json.dumps(_MESSAGE).encode()
_PLAIN = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_BODY)
) + _BODY
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)


class Upstream(asyncio.Protocol):
    """Answers every request on a kept-alive connection; a body that asks for a stream gets one."""

    def __init__(self) -> None:
        self._received = bytearray()  # a large body must not be copied with each part
        self._streaming: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass

    def data_received(self, data: bytes) -> None:
        """Answer each request whose body is complete."""
        self._received += data
        while (head_end := self._received.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._received, 0, head_end)
            end = head_end + 4 + (int(found[1]) if found else 0)
            if len(self._received) < end:
                return
            body = bytes(self._received[head_end + 4 : end])
            del self._received[:end]
            if b'"stream":true' in body.replace(b" ", b""):
                self._streaming = asyncio.create_task(self._stream(_events_asked_for(body)))
            else:
                self._transport.write(_PLAIN)

    def connection_lost(self, error: Exception | None) -> None:
        """Stop the stream."""
        if self._streaming is not None:
            self._streaming.cancel()

    async def _stream(self, events: int) -> None:
        self._transport.write(_STREAM_HEAD + _chunk(_START))
        for _ in range(events):
            self._transport.write(_chunk(_DELTA))
            await asyncio.sleep(1 / EVENTS_PER_SECOND)
        self._transport.write(_chunk(_END) + b"0\r\n\r\n")


def _events_asked_for(body: bytes) -> int:
    return int(json.loads(body)["max_tokens"])


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def serve(port: int) -> None:
    """Serve until the process ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Upstream, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
