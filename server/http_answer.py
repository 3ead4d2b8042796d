"""An answer's head and the beginning of its body, written together.

uvicorn writes them by themselves: a second packet, and so a second wake-up for the client. It also
searches the name and the value of each header by themselves, which for the fourteen headers of a
call's answer was three percent of the call's work.
"""

from collections.abc import Awaitable, Coroutine
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

if TYPE_CHECKING:
    from uvicorn._types import (
        ASGI3Application,
        ASGIReceiveCallable,
        ASGISendCallable,
        ASGISendEvent,
        Scope,
    )

Headers = list[tuple[bytes, bytes]]

_BYTES = [bytes((number,)) for number in range(256)]
# The bytes that uvicorn accepts; in names only lower case, because it writes them so.
_IN_NAMES = b"".join(one for one in _BYTES if not HEADER_RE.search(one) and one == one.lower())
_IN_VALUES = b"".join(one for one in _BYTES if not HEADER_VALUE_RE.search(one))
_WITHOUT_BODY = (204, 304)


class Answer:
    """The application, with a `send` that keeps the usual head of an answer until its body begins.

    ASGI asks that of servers. All other heads, and all errors, are left to uvicorn's cycle.
    """

    def __init__(self, cycle: RequestResponseCycle, app: "ASGI3Application") -> None:
        self._cycle = cycle
        self._app = app
        self._head = b""  # that is still to be written

    def __call__(
        self, scope: "Scope", receive: "ASGIReceiveCallable", _: "ASGISendCallable"
    ) -> Awaitable[None]:
        """Run the application."""
        return self._app(scope, receive, self.send)

    def send(self, message: "ASGISendEvent") -> Coroutine[Any, Any, None]:
        """Send a message of the application."""
        if self._head:
            return self._send_with_head(message)
        if message["type"] == "http.response.start" and self._is_unhindered():
            headers = [*self._cycle.default_headers, *message["headers"]]
            if _is_usual(message["status"], headers):
                return self._keep_head(message["status"], headers)
        return self._cycle.send(message)

    def _is_unhindered(self) -> bool:
        """Whether a head is due and can be written now."""
        cycle = self._cycle
        is_refused = cycle.response_started or cycle.disconnected or cycle.flow.write_paused
        return not (is_refused or cycle.access_log or cycle.scope["method"] == "HEAD")

    async def _keep_head(self, status: int, headers: Headers) -> None:
        cycle = self._cycle
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        length = dict(headers).get(b"content-length")
        cycle.chunked_encoding = length is None
        cycle.expected_content_length = int(length or 0)
        lines = [STATUS_LINE[status], b"\r\n".join(map(b": ".join, headers)), b"\r\n\r\n"]
        if length is None:
            lines.insert(2, b"\r\ntransfer-encoding: chunked")
        if not cycle.keep_alive:
            lines.insert(2, b"\r\nconnection: close")
        self._head = b"".join(lines)

    async def _send_with_head(self, message: "ASGISendEvent") -> None:
        """Write the head and a part of the body; the end of the body is left to uvicorn."""
        cycle, head, self._head = self._cycle, self._head, b""
        if message["type"] == "http.response.body" and not cycle.disconnected:
            body = message.get("body", b"")
            if cycle.chunked_encoding:
                cycle.transport.write(head + (b"%x\r\n%b\r\n" % (len(body), body) if body else b""))
                message = {**message, "body": b""}
            elif len(body) <= cycle.expected_content_length:
                cycle.transport.write(head + body)
                cycle.expected_content_length -= len(body)
                message = {**message, "body": b""}
        await cycle.send(message)


def _is_usual(status: int, headers: Headers) -> bool:
    """Whether uvicorn would write these headers unchanged and act on none of them."""
    if status in _WITHOUT_BODY or not headers:
        return False
    names, values = zip(*headers, strict=True)
    return _are_usual(names) and not b"".join(values).translate(None, _IN_VALUES)


@lru_cache(maxsize=64)  # answers of one kind have the same names
def _are_usual(names: tuple[bytes, ...]) -> bool:
    is_regarded = b"connection" in names or b"transfer-encoding" in names
    return not (is_regarded or b"".join(names).translate(None, _IN_NAMES))
