"""Sends the answer to a call as an HTTP response."""

from collections.abc import Awaitable
from urllib.parse import quote

from django.conf import settings
from starlette.types import Message, Receive, Scope, Send

from gateway.call import CallerGone, Head
from gateway.http import cors, security
from gateway.limits.time_limit import TimeLimit
from gateway.metering.operations import SettleResult
from server.http_protocol import CONNECTION, HttpProtocol

RawHeaders = list[tuple[bytes, bytes]]

_PLAIN_HEADERS: RawHeaders = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
]
_STREAM_HEADERS: RawHeaders = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # a proxy that collects events would undo streaming
]
_CORS_HEADERS: RawHeaders = [
    (name.encode(), value.encode()) for name, value in cors.HEADERS.items()
]
_MOST_NAMES, _NAME_CHARS = 20, 60


def dropped_header(names: tuple[str, ...]) -> bytes:
    """Return the first names, separated by commas; what no header holds is percent-encoded."""
    written = [quote(name[:_NAME_CHARS], safe="") for name in names[:_MOST_NAMES]]
    return ", ".join(written).encode()


class HttpSink:
    """Sends an answer as an HTTP response, and notices when its client disconnects.

    Neither a server nor Starlette cancels a plain call whose client has disconnected.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._connection: HttpProtocol | None = scope.get(CONNECTION)
        self._receive = receive
        self._send = send

    def own_headers(self, head: Head) -> RawHeaders:
        """Return the headers that only this kind of caller receives."""
        return _CORS_HEADERS

    def gone(self) -> Awaitable[None]:
        if self._connection is None:
            return self._disconnected()
        return self._connection.future_disconnect()

    async def answer(self, head: Head, body: bytes, result: SettleResult) -> None:
        headers = [
            *_PLAIN_HEADERS,
            (b"content-length", b"%d" % len(body)),
            (b"caicaini-credits-consumed", b"%d" % result.charged),
        ]
        if result.balance_after is not None:
            headers.append((b"caicaini-credits-remaining", b"%d" % result.balance_after))
        start = self._start(head, headers)
        await self._send_or_gone(start, {"type": "http.response.body", "body": body})

    async def open(self, head: Head) -> None:
        await self._send_or_gone(self._start(head, _STREAM_HEADERS))

    async def send(self, frames: bytes) -> None:
        await self._send_or_gone({"type": "http.response.body", "body": frames, "more_body": True})

    async def close(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _disconnected(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _send_or_gone(self, *messages: Message) -> None:
        """Send; raises CallerGone for a broken connection, and for a client that reads nothing."""
        try:
            for message in messages:
                if self._may_wait():
                    with TimeLimit(settings.CALLER_STALL_TIMEOUT_S):
                        await self._send(message)
                else:  # a timer costs more than most sends
                    await self._send(message)
        except OSError:  # a TimeoutError is one
            raise CallerGone from None

    def _may_wait(self) -> bool:
        """Whether a send may wait until the client reads."""
        return self._connection is None or self._connection.is_blocked

    def _start(self, head: Head, headers: RawHeaders) -> Message:
        raw = [
            *headers,
            (b"request-id", head.request_id.encode()),
            (b"caicaini-route", head.route.encode("ascii", "replace")),
            *head.rate_limits.raw_headers(),
            *security.RAW_HEADERS,
            *self.own_headers(head),
        ]
        if head.dropped:
            raw.append((b"caicaini-dropped", dropped_header(head.dropped)))
        return {"type": "http.response.start", "status": 200, "headers": raw}
