"""A minimal ASGI application that passes a call on with the client that `CLIENT` names."""

import os

from starlette.types import Receive, Scope, Send

from benchmarks.servers.clients import CLIENTS, Post

_URL = os.environ.get("UPSTREAM", "") + "/v1/messages"
_CLIENT = os.environ.get("CLIENT", "no client")


class PassThrough:
    """Makes its client at the first call: clients need a running event loop."""

    def __init__(self) -> None:
        self._post: Post | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] != "http":
            return
        if self._post is None:
            self._post = CLIENTS[_CLIENT]()
        answer = await self._post(_URL, await _body(receive))
        length = (b"content-length", b"%d" % len(answer))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": answer})


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body


app = PassThrough()
