"""HTTP/1.1 as uvicorn speaks it, with bounds on what may come before a request is one.

uvicorn's parser takes headers without end, and waits for them without end: one connection could
fill the memory, a thousand that say nothing could use up all others. Bodies are bounded by whoever
reads them (gateway/bodies.py, Django).
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class HttpProtocol(HttpToolsProtocol):
    """A connection that is closed when a request's head is too large, or late.

    Between requests uvicorn's own keep-alive time-out applies.
    """

    largest_head_bytes = 64 * 1024
    head_within_s = 30.0

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._is_in_head = True
        self._head_bytes = 0
        self._head_is_late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request's head."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take in what came, and count it as far as it is head."""
        super().data_received(data)
        if not self._is_in_head or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > self.largest_head_bytes:
            self.send_400_response("The request's headers are too large.")
        elif self._head_is_late is None:
            self._wait_for_head()

    def on_message_begin(self) -> None:
        """The parser has seen a request's first byte."""
        super().on_message_begin()
        self._is_in_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """The parser has seen the end of a request's head."""
        self._is_in_head = False
        self._wait_no_more()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._head_is_late = self.loop.call_later(self.head_within_s, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._head_is_late is not None:
            self._head_is_late.cancel()
            self._head_is_late = None
