"""POST /v1/messages as a bare ASGI application: one short caller of `pipeline.serve`."""

import logging
from functools import partial

from django.conf import settings
from starlette.types import Message, Receive, Scope, Send

from billing.models import Source
from gateway.call import Caller, CallerGone, Head
from gateway.errors import GatewayError, InternalFailure
from gateway.http import cors, request_body
from gateway.http.authentication import authenticated
from gateway.http.responses import error_response, new_request_id
from gateway.limits import offload
from gateway.limits.time_limit import TimeLimit
from gateway.pipeline.serve import AnswerCutShort, Policy, serve
from gateway.request import parse
from gateway.runtime.services import GatewayServices
from keys.gateway_queries import CachedKey

logger = logging.getLogger(__name__)

RawHeaders = list[tuple[bytes, bytes]]

_POLICY = Policy()
_READ = {
    name.encode(): name
    for name in ("authorization", "x-api-key", "content-encoding", "anthropic-beta")
}
_PLAIN_HEADERS: RawHeaders = [(b"content-type", b"application/json")]
_STREAM_HEADERS: RawHeaders = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # a proxy that collects events would undo streaming
]
_CORS_HEADERS: RawHeaders = [
    (name.encode(), value.encode()) for name, value in cors.HEADERS.items()
]


class Messages:
    """The endpoint for calls."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        request_id = new_request_id()
        services: GatewayServices = scope["state"]["services"]
        headers = _headers(scope)
        try:
            key = await authenticated(services, headers, receive)
            body = await request_body.checked(headers, receive)
            request = await offload.run(partial(parse.messages_request, body), size_bytes=len(body))
            await serve(
                services,
                caller_of(key),
                request,
                _HttpSink(receive, send),
                _POLICY,
                request_id=request_id,
                beta=headers.get("anthropic-beta") or None,
            )
        except (CallerGone, AnswerCutShort):
            return
        except GatewayError as error:
            await error_response(error, request_id)(scope, receive, send)
        except Exception:
            logger.exception("request req_%s failed", request_id.hex)
            await error_response(InternalFailure(), request_id)(scope, receive, send)


def caller_of(key: CachedKey) -> Caller:
    """Return the caller that a key stands for."""
    return Caller(
        workspace_id=key.workspace_id,
        source=Source.API,
        key_id=key.id,
        allowed_models=tuple(key.allowed_models),
    )


def _headers(scope: Scope) -> dict[str, str]:
    """Decode only the headers that are read, of the twenty that clients send. A repeated one is a
    list, as in HTTP: some clients send each beta in a header of its own."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        if (name := _READ.get(raw_name)) is not None:
            value = raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


class _HttpSink:
    """Sends an answer as an HTTP response, and notices when its client disconnects.

    Neither a server nor Starlette cancels a plain call whose client has disconnected.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send

    async def gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def answer(self, head: Head, body: bytes, *, credits_consumed: int) -> None:
        start = _start(
            head,
            [
                *_PLAIN_HEADERS,
                (b"content-length", b"%d" % len(body)),
                (b"caicaini-credits-consumed", b"%d" % credits_consumed),
            ],
        )
        await self._send_or_gone(start, {"type": "http.response.body", "body": body})

    async def open(self, head: Head) -> None:
        await self._send_or_gone(_start(head, _STREAM_HEADERS))

    async def send(self, frames: bytes) -> None:
        await self._send_or_gone({"type": "http.response.body", "body": frames, "more_body": True})

    async def close(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_or_gone(self, *messages: Message) -> None:
        """Send; raises CallerGone for a broken connection, and for a client that reads nothing."""
        try:
            with TimeLimit(settings.CALLER_STALL_TIMEOUT_S):
                for message in messages:
                    await self._send(message)
        except OSError:  # a TimeoutError is one
            raise CallerGone from None


def _start(head: Head, headers: RawHeaders) -> Message:
    raw = [
        *headers,
        (b"request-id", head.request_id.encode()),
        (b"caicaini-route", head.route.encode("ascii", "replace")),
        *head.rate_limits.raw_headers(),
        *_CORS_HEADERS,
    ]
    return {"type": "http.response.start", "status": 200, "headers": raw}
