"""Limits the size of a request's body for the portal.

Django writes a body of any size to the disk before our code sees the request: one connection could
fill the disk. A body over the limit is kept from Django, which answers the request without it.
"""

import asyncio
from contextlib import suppress

from django.http import HttpRequest, HttpResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.request_drain import drain
from web import error_pages
from web.request_ids import GetResponse

# Forms send some kilobytes, and the webhook accepts half of this.
LARGEST_BYTES = 1024 * 1024
_LINGER_S = 5.0
_MARK = "caicaini.body_is_too_large"


class BodyLimit:
    """An application that passes on only bodies within the limit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, but without its body if that is, or is announced as, too large."""
        if _announced_bytes(scope) <= LARGEST_BYTES:
            body = _Body(receive)
            await self._app(scope, body.receive, send)
            if not body.is_too_large:
                return
        await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer at once, then drain the body before the answer ends."""
        await self._app({**scope, _MARK: True}, _no_body(), _left_open(send))
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                await drain(receive, limit_bytes=LARGEST_BYTES)
        await send({"type": "http.response.body"})


class _Body:
    """A body as it arrives; one that grows too large ends like a disconnect."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._bytes = 0
        self.is_too_large = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes <= LARGEST_BYTES:
            return message
        self.is_too_large = True
        return {"type": "http.disconnect"}


def body_limit_middleware(get_response: GetResponse) -> GetResponse:
    """Return 413 in the view's place for a request that reached Django without its body."""

    def limited(request: HttpRequest) -> HttpResponse:
        if _MARK in getattr(request, "scope", ()):
            return error_pages.too_large(request, largest_bytes=LARGEST_BYTES)
        return get_response(request)

    return limited


def _announced_bytes(scope: Scope) -> int:
    return next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)


def _no_body() -> Receive:
    """Return the messages of an empty body, and then wait."""
    messages: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if not messages:
            await asyncio.get_running_loop().create_future()  # until the caller is cancelled
        return messages.pop()

    return receive


def _left_open(send: Send) -> Send:
    """Send an answer without its end, with `connection: close`."""

    async def send_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send({**message, "headers": [*message["headers"], (b"connection", b"close")]})
        else:
            await send({**message, "more_body": True})

    return send_on
