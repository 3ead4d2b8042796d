"""Measures how soon an upstream's connection is closed after its call was cancelled.

`python -m benchmarks.servers.hang_up CLIENT` prints milliseconds, or "never". The upstream streams
as a model does; with a client that keeps the connection open, the rest of the answer is paid for.
"""

import asyncio
import sys
import time
from contextlib import suppress

from benchmarks.servers.clients import CLIENTS

_UNDER_WAY_S = 0.3
_TIMEOUT_S = 3.0
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class _Upstream(asyncio.Protocol):
    """Streams until its connection is closed."""

    def __init__(self, closed_at: "asyncio.Future[float]") -> None:
        self._closed_at = closed_at
        self._streaming: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to stream."""
        assert isinstance(transport, asyncio.Transport)
        self._streaming = asyncio.create_task(self._stream(transport))

    async def _stream(self, transport: asyncio.Transport) -> None:
        transport.write(_HEAD)
        while True:
            transport.write(b"5\r\nhello\r\n")
            await asyncio.sleep(0.05)

    def connection_lost(self, error: Exception | None) -> None:
        """Record when the connection was closed."""
        if self._streaming is not None:
            self._streaming.cancel()
        if not self._closed_at.done():
            self._closed_at.set_result(time.monotonic())


async def _measure(client: str) -> str:
    loop = asyncio.get_running_loop()
    closed_at: asyncio.Future[float] = loop.create_future()
    server = await loop.create_server(lambda: _Upstream(closed_at), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    call = asyncio.ensure_future(CLIENTS[client]()(f"http://127.0.0.1:{port}/", b"{}"))
    await asyncio.sleep(_UNDER_WAY_S)
    call.cancel()
    cancelled_at = time.monotonic()
    with suppress(asyncio.CancelledError):
        await call
    done, _ = await asyncio.wait({closed_at}, timeout=_TIMEOUT_S)
    return f"{(closed_at.result() - cancelled_at) * 1000:.1f} ms" if done else "never"


if __name__ == "__main__":
    print(asyncio.run(_measure(sys.argv[1])))
