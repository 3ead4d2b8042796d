"""How much of a request's body the portal takes.

Django writes a body to the disk before any code of ours sees the request, however large it is: one
connection could fill the disk. What is larger than anything that is sent here does not reach it.
Django answers such a request without its body.
"""

import asyncio
from contextlib import suppress

from django.http import HttpRequest, HttpResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web import error_pages
from web.request_ids import GetResponse

# Forms send some kilobytes, and the webhook takes half of this.
LARGEST_BYTES = 1024 * 1024
_LINGER_S = 5.0
_MARK = "caicaini.body_is_too_large"


class BodyLimit:
    """An application in front of which the bodies of requests end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, without its body if it announces or brings too large a one."""
        if _announced_bytes(scope) <= LARGEST_BYTES:
            body = _Body(receive)
            await self._app(scope, body.receive, send)
            if not body.is_too_large:
                return
        await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer at once, then take in as much again: a client that sees its connection reset
        while it sends may never read the answer."""
        await self._app({**scope, _MARK: True}, _no_body(), _left_open(send))
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                await _discard(receive)
        await send({"type": "http.response.body"})


class _Body:
    """What comes of a body; one that grows too large ends as if its sender had hung up."""

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
    """Answer for the view what came without its body, for that is not what was asked."""

    def limited(request: HttpRequest) -> HttpResponse:
        if _MARK in getattr(request, "scope", ()):
            return error_pages.too_large(request, largest_bytes=LARGEST_BYTES)
        return get_response(request)

    return limited


def _announced_bytes(scope: Scope) -> int:
    return next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)


def _no_body() -> Receive:
    """Tell of an empty body, and then of nothing more."""
    coming: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if not coming:
            await asyncio.get_running_loop().create_future()  # until whoever waits is cancelled
        return coming.pop()

    return receive


def _left_open(send: Send) -> Send:
    """Send an answer without its end, the last on its connection."""

    async def send_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send({**message, "headers": [*message["headers"], (b"connection", b"close")]})
        else:
            await send({**message, "more_body": True})

    return send_on


async def _discard(receive: Receive) -> None:
    size = 0
    has_more = True
    while has_more and size <= LARGEST_BYTES:
        message = await receive()
        size += len(message.get("body", b""))
        has_more = message.get("more_body", False)
