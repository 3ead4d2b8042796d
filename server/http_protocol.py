"""HTTP/1.1 as uvicorn speaks it, with bounds on what a connection may take and how long.

uvicorn's parser takes headers, trailers and requests ahead of their turn without end, and waits
without end for the rest of a request and for whoever does not read an answer. One connection could
fill the memory. How large a body may be is for whoever reads it to say.
"""

import asyncio
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle


class TooManyAhead(Exception):
    """More requests came than anybody needs to send before the first of them is answered."""


class TunnelWanted(Exception):
    """CONNECT: we are nobody's proxy."""


class HttpProtocol(HttpToolsProtocol):
    """A connection that ends when its bounds are passed.

    `largest_head_bytes` may come without completing a head or bringing some of a body, and what one
    read brings on top of it. `patience_s` is how long we wait for more of a request, and for a
    reader to take anything. Between requests uvicorn's keep-alive time-out applies.
    """

    largest_head_bytes = 64 * 1024
    most_requests_ahead = 32
    patience_s = 30.0

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._is_in_head = True
        self._plain_head = b""  # of a request that offers another protocol: without the offer
        self._has_moved = False  # the read at hand completed a head or brought some of a body
        self._idle_bytes = 0  # since that was last so
        self._unsent_bytes = 0
        self._answering: RequestResponseCycle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._expect_more()

    def data_received(self, data: bytes) -> None:
        """Take in what came; then wait for what is missing of a request, but not while one that is
        complete is being answered."""
        self._has_moved = False
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        if self.transport.is_closing():
            return
        self._idle_bytes = 0 if self._has_moved else self._idle_bytes + len(data)
        if self._idle_bytes > self.largest_head_bytes:
            self.send_400_response("The request's headers are too large.")
        elif self.cycle is None or self.cycle.response_complete:
            if self._deadline is None:  # who trickles gets no more time for it
                self._expect_more()
        elif not self.cycle.more_body:
            self._expect_no_more()
        elif self._has_moved or self._deadline is None:
            self._expect_more()

    def on_message_begin(self) -> None:
        """The parser has seen a request's first byte."""
        super().on_message_begin()
        self._is_in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. Not a trailer: behind the body it would stand among the headers, where
        some are believed because only a proxy can have written them."""
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The parser has seen the end of a request's head; raises what is answered with a 400."""
        self._is_in_head = False
        self._has_moved = True
        if len(self.pipeline) >= self.most_requests_ahead:
            raise TooManyAhead
        self._plain_head = self._head_without_offer() if self.parser.should_upgrade() else b""
        if not self._plain_head:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of a body came."""
        self._has_moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is complete; one that offers another protocol has not even begun."""
        if not self._plain_head:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse, and end; without a word where it would stand in an answer's place or amid one."""
        cycle = self._answering
        if cycle is None or cycle.response_complete or self._is_being_sent(cycle):
            super().send_400_response(msg)
        self._end()

    def _is_being_sent(self, cycle: RequestResponseCycle) -> bool:
        """Whether the request is what is wrong: its body is not complete, its answer not begun."""
        return cycle.more_body and not cycle.response_started

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more came after the last answer."""
        self._end()

    def pause_writing(self) -> None:
        """The reader is slower than the answer: see to it that it reads at all."""
        super().pause_writing()
        self._unsent_bytes = self.transport.get_write_buffer_size()
        self._stall = self.loop.call_later(self.patience_s, self._look_at_reader)

    def resume_writing(self) -> None:
        """The reader has caught up."""
        if self._stall is not None:
            self._stall.cancel()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request that is being answered: uvicorn tells the one that came last."""
        self._expect_no_more()
        if self._stall is not None:
            self._stall.cancel()
        super().connection_lost(exc)
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()

    def _parse(self, data: bytes) -> None:
        """Feed the parser; raises HttpParserError.

        Who offers another protocol, as Java's client does with each new connection, may be answered
        in this one. The parser takes the offer as accepted: it passes over the body, which would
        then be read as the next request. So the request is parsed again without the offer.
        """
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as offered:
            [head_bytes] = offered.args
            self.parser.feed_data(self._plain_head)
            self._parse(data[head_bytes:])  # no deeper than requests may be ahead

    def _head_without_offer(self) -> bytes:
        method = self.parser.get_method()
        if method == b"CONNECT":
            raise TunnelWanted
        lines = [b"%b %b HTTP/%b" % (method, self.url, self.parser.get_http_version().encode())]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _look_at_reader(self) -> None:
        unsent_bytes = self.transport.get_write_buffer_size()
        if unsent_bytes >= self._unsent_bytes:
            self.transport.abort()
        else:
            self._unsent_bytes = unsent_bytes
            self._stall = self.loop.call_later(self.patience_s, self._look_at_reader)

    def _expect_more(self) -> None:
        self._expect_no_more()
        self._deadline = self.loop.call_later(self.patience_s, self._give_up)

    def _expect_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if self.flow.read_paused:  # until what came is worked off: not the sender's doing
            self._expect_more()
        else:
            self._end()

    def _end(self) -> None:
        """Close once everything is sent; drop what nobody takes."""
        self._expect_no_more()
        self.transport.close()
        self._deadline = self.loop.call_later(self.patience_s, self.transport.abort)
