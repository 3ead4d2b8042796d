"""HTTP/1.1 as uvicorn implements it, with bounds on the bytes and the time of a connection.

uvicorn's parser has no limit for headers, trailers and pipelined requests, and no timeout for the
rest of a request or for a client that does not read its answer: one connection could fill the
memory. The size of a body is limited by the application that reads it.
"""

import asyncio
import contextlib
import socket
from math import inf
from typing import Any, Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from server.http_answer import Answer
from server.reading_pace import PacedFlow

# The key of the HttpProtocol in the scope: asking it is cheaper than asking through ASGI. Other
# servers do not set it.
CONNECTION = "caicaini.connection"


class RequestRefused(Exception):
    """Raised in a callback of the parser, which raises HttpParserError for it: answered by 400."""


class DrainState(Protocol):
    """The member `drain` of the application's lifespan state, if it has one."""

    is_draining: bool
    keeps_idle_connections: bool


class HttpProtocol(HttpToolsProtocol):
    """A connection that is closed when it exceeds a bound.

    `largest_head_bytes` limits the bytes that arrive without completing a head or adding to a body,
    beyond those of one read. A wait for more of a request, or for a client to read, ends after one
    to two `timeout_s`. So does a body that arrives at less than `least_body_rate` from one check to
    the next, and an answer that is read at less than `least_reading_rate`: many of those would stay
    in memory for hours. There is no other limit on the time of either. uvicorn's keep-alive timeout
    applies between requests.

    A client that sends its next request in the moment in which the server closes the connection
    sees a reset. So a draining process closes none before it has told the client, by the header
    `connection: close` of an answer, or before `idle_while_draining_s` have passed without a
    request.
    """

    largest_head_bytes = 64 * 1024
    most_pipelined_requests = 32
    timeout_s = 30.0
    least_body_rate = 32 * 1024  # bytes a second
    least_reading_rate = 1024  # bytes a second
    idle_while_draining_s = 10
    flow: PacedFlow

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._is_in_head = True
        self._plain_head = b""  # of a request that offers another protocol: without the offer
        self._has_progress = False  # the current read completed a head or added to a body
        self._idle_bytes = 0  # received since the last progress
        self._answering: RequestResponseCycle | None = None
        self._disconnect: asyncio.Future[None] | None = None  # from the request being answered
        self._is_late = False  # the last check found us waiting, and no progress has come since
        self._body_bytes = 0  # of the current request
        # At the last check, if a body was incomplete: its request, the time, and its bytes by then.
        self._slow_since: tuple[RequestResponseCycle, float, int] | None = None
        self._unsent_bytes: float = inf  # at the last check, if the client has to read
        self._next_check: asyncio.TimerHandle | None = None
        self._is_last = False  # the next answer is the last on this connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the checks. A connection accepted just before a stop has missed `shutdown`."""
        super().connection_made(transport)
        self.flow = PacedFlow(transport, self.loop)
        _send_without_delay(transport)
        self._schedule_check()
        if self._drains():
            self.shutdown()

    def shutdown(self) -> None:
        """Answer one more request on this connection, with `connection: close`."""
        self._is_last = True
        self.timeout_keep_alive = min(self.timeout_keep_alive, self._longest_idle_s())
        if self.cycle is None or self.cycle.response_complete:
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        elif not self.cycle.response_started:
            self.cycle.keep_alive = False

    def data_received(self, data: bytes) -> None:
        """Parse what arrived."""
        self._has_progress = False
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        if self.transport.is_closing():
            return
        self._idle_bytes = 0 if self._has_progress else self._idle_bytes + len(data)
        if self._idle_bytes > self.largest_head_bytes:
            self.send_400_response("The request's headers are too large.")

    def on_message_begin(self) -> None:
        """The parser has seen a request's first byte."""
        super().on_message_begin()
        cast(dict[str, Any], self.scope)[CONNECTION] = self
        self._is_in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header and drop a trailer: among the headers, a trailer could forge one that is
        trusted because only a proxy sets it."""
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The parser has seen the end of a request's head. Raises RequestRefused."""
        self._is_in_head = False
        self._has_progress = True
        self._is_late = False
        self._body_bytes = 0
        if len(self.pipeline) >= self.most_pipelined_requests:
            raise RequestRefused("too many requests at once")
        self._plain_head = self._head_without_offer() if self.parser.should_upgrade() else b""
        if not self._plain_head:
            super().on_headers_complete()
            if self._is_last or self._drains():
                self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Some of a body arrived; once the request is answered, that gains no more time."""
        self._has_progress = True
        self._is_late = self._is_late and self.cycle.response_complete
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is complete, unless its head is parsed again without an offer."""
        if not self._plain_head:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Close the connection; send a 400 first unless another answer is due or has begun."""
        cycle = self._answering
        if cycle is None or cycle.response_complete or _is_still_received(cycle):
            super().send_400_response(msg)
        self.transport.close()

    def resume_writing(self) -> None:
        """The client has read most of what was sent."""
        self._unsent_bytes = inf
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the request that is being answered; uvicorn notifies the one received last."""
        if self._next_check is not None:
            self._next_check.cancel()
        super().connection_lost(exc)
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()
        if self._disconnect is not None and not self._disconnect.done():
            self._disconnect.set_result(None)
        if self.scope is not None:  # a cycle of references would wait for the garbage collector
            del cast(dict[str, Any], self.scope)[CONNECTION]

    def _parse(self, data: bytes) -> None:
        """Feed the parser; raises HttpParserError.

        An offer of another protocol, which Java's client sends on each new connection, may be
        ignored. But the parser takes it as accepted: it skips the body, which would then be parsed
        as the next request. So the head is parsed again without the offer.
        """
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as offered:
            [head_bytes] = offered.args
            self.parser.feed_data(self._plain_head)
            self._parse(data[head_bytes:])  # recursion is bounded by most_pipelined_requests

    def _head_without_offer(self) -> bytes:
        method = self.parser.get_method()
        if method == b"CONNECT":
            raise RequestRefused("not a proxy")
        lines = [b"%b %b HTTP/%b" % (method, self.url, self.parser.get_http_version().encode())]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, Answer(cycle, app))

    @property
    def is_blocked(self) -> bool:
        """Whether the application's next message would wait until the client reads."""
        return self.flow.write_paused

    def future_disconnect(self) -> "asyncio.Future[None]":
        """Return a future that is done once the client has disconnected from the request that is
        being answered; it may be cancelled. Waiting in `receive` takes a task."""
        self.flow.resume_reading()  # an end of the connection is found by reading
        self._disconnect = self.loop.create_future()
        if self._answering is None or self._answering.disconnected:
            self._disconnect.set_result(None)
        return self._disconnect

    def _drains(self) -> bool:
        drain: DrainState | None = self.app_state.get("drain")
        return drain is not None and drain.is_draining

    def _longest_idle_s(self) -> int:
        drain: DrainState | None = self.app_state.get("drain")
        is_kept = drain is None or drain.keeps_idle_connections
        return self.idle_while_draining_s if is_kept else 0

    def _schedule_check(self) -> None:
        self._next_check = self.loop.call_later(self.timeout_s, self._check)

    def _check(self) -> None:
        """End a wait in which too little has moved since the last check."""
        must_read = self.flow.write_paused or self.transport.is_closing()
        unsent_bytes = self.transport.get_write_buffer_size() if must_read else 0
        least_sent = max(1.0, self.least_reading_rate * self.timeout_s)
        if unsent_bytes > max(0.0, self._unsent_bytes - least_sent):
            self.transport.abort()
            return
        self._unsent_bytes = unsent_bytes or inf
        is_waiting = self._is_waiting_for_request()
        if (is_waiting and self._is_late) or self._is_body_slow():
            self.transport.close()
        self._is_late = is_waiting
        self._schedule_check()

    def _is_body_slow(self) -> bool:
        """Whether too little of a body has come since the last check that found it incomplete. A
        time in which we read nothing ourselves does not count."""
        is_due = self.cycle is not None and self.cycle.more_body and not self.flow.read_paused
        if not is_due or self._is_in_head:
            self._slow_since = None
            return False
        last, now = self._slow_since, self.loop.time()
        self._slow_since = (self.cycle, now, self._body_bytes)
        if last is None or last[0] is not self.cycle:
            return False
        return self._body_bytes - last[2] < self.least_body_rate * (now - last[1])

    def _is_waiting_for_request(self) -> bool:
        """Whether a request is due or incomplete, and it is not we who paused the reading."""
        is_idle = self.timeout_keep_alive_task is not None
        if is_idle or self.flow.read_paused:
            return False
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body


def _is_still_received(cycle: RequestResponseCycle) -> bool:
    return cycle.more_body and not cycle.response_started


def _send_without_delay(transport: asyncio.Transport) -> None:
    """Turn Nagle's algorithm off, which can hold the events of a stream back.

    uvloop does so itself, except on an inherited socket: uvicorn calls every such a Unix socket.
    """
    connection = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):  # it is a Unix socket
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
