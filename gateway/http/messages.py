"""POST /v1/messages as a bare ASGI application: it must hear when its caller hangs up."""

import asyncio
import logging
from functools import partial
from typing import Any

from django.conf import settings
from starlette.types import Message, Receive, Scope, Send

from billing.models import Source
from gateway.call import Call, Caller, CallerGone
from gateway.errors import (
    GatewayError,
    InternalFailure,
    ShuttingDown,
)
from gateway.http import cors, request_body
from gateway.http.responses import authenticated, error_response, new_request_id
from gateway.limits import offload
from gateway.limits.rate_limiter import RateLimitState
from gateway.limits.time_limit import TimeLimit
from gateway.pipeline import admission
from gateway.pipeline import run as pipeline
from gateway.reply import token_usage
from gateway.request import parse
from gateway.runtime.services import GatewayServices

logger = logging.getLogger(__name__)

RawHeaders = list[tuple[bytes, bytes]]

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
_CROSS_ORIGIN: RawHeaders = [
    (name.encode(), value.encode()) for name, value in cors.HEADERS.items()
]


class Messages:
    """The endpoint everything else is for."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        request_id = new_request_id()
        services: GatewayServices = scope["state"]["services"]
        headers = _headers(scope)
        try:
            key = await authenticated(services, headers, receive)
            body = await request_body.checked(headers, receive)
            request = await offload.work_off(partial(parse.parse, body), size_bytes=len(body))
            call = Call(
                id=request_id,
                caller=Caller(key.workspace_id, key.id, Source.API, tuple(key.allowed_models)),
                request=request,
                beta=headers.get("anthropic-beta") or None,
            )
            services.live_calls.begin(key.id)
            try:
                standings = await services.limiter.admit(
                    key.workspace_id, input_tokens=token_usage.tokens_of(request.text_bytes)
                )
                exchange = _Exchange(services, call, standings, scope, receive, send)
                await exchange.run()
            finally:
                services.live_calls.end(key.id)
        except CallerGone:
            return
        except GatewayError as error:
            await error_response(error, request_id)(scope, receive, send)
        except Exception:
            logger.exception("request req_%s failed", request_id.hex)
            await error_response(InternalFailure(), request_id)(scope, receive, send)


def _headers(scope: Scope) -> dict[str, str]:
    """Decode, of the twenty headers that clients send, those that are read. What comes twice is one
    list, as HTTP has it: some clients send each beta in a header of its own."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        if (name := _READ.get(raw_name)) is not None:
            value = raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


class _Exchange:
    """Runs a call while listening for its caller to hang up."""

    def __init__(
        self,
        services: GatewayServices,
        call: Call,
        standings: RateLimitState,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self._services = services
        self._call = call
        self._standings = standings
        self._scope = scope
        self._receive = receive
        self._send = send
        self._has_started = False
        self._caller_left = False

    async def run(self) -> None:
        """Admit the call and answer it; raises GatewayError while nothing has been sent."""
        running = asyncio.current_task()
        assert running is not None
        listener = asyncio.create_task(self._listen(running))
        self._services.drain.watch(running, self._call)
        try:
            await admission.admit(self._services, self._call)
            if self._call.request.stream:
                await self._stream()
            else:
                await self._answer()
        except asyncio.CancelledError:
            if self._call.is_cut_by_shutdown and not self._has_started:  # credits were being held
                raise ShuttingDown from None
            if self._caller_left:
                raise CallerGone from None
            raise  # the server gives up: it hung up for the caller, or its window is over
        finally:
            listener.cancel()
            self._services.drain.forget(running)

    async def _listen(self, running: "asyncio.Task[Any]") -> None:
        """No server cancels a plain call whose caller is gone, nor a stream as quickly."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._caller_left = True
        running.cancel()

    async def _answer(self) -> None:
        answer = await pipeline.answer(self._services, self._call)
        head = self._head(
            [
                *_PLAIN_HEADERS,
                (b"content-length", b"%d" % len(answer.body)),
                (b"caicaini-credits-consumed", b"%d" % answer.credits_consumed),
            ]
        )
        await self._send_or_gone(head, {"type": "http.response.body", "body": answer.body})

    async def _stream(self) -> None:
        try:
            await pipeline.stream(self._services, self._call, self._deliver)
        except CallerGone:
            raise
        except Exception:
            if not self._has_started:
                raise
            # Its end could not be written: to some clients a bare close looks like success.
            logger.exception("the stream of %s has no end", self._call.request_id)
            await self._deliver(InternalFailure().frame(self._call.request_id))
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _deliver(self, frames: bytes) -> None:
        body = {"type": "http.response.body", "body": frames, "more_body": True}
        if self._has_started:
            await self._send_or_gone(body)
        else:
            self._has_started = True
            await self._send_or_gone(self._head(_STREAM_HEADERS), body)

    async def _send_or_gone(self, *messages: Message) -> None:
        """Send; raises CallerGone for a broken connection, and for a caller who reads nothing."""
        try:
            with TimeLimit(settings.CALLER_STALL_TIMEOUT_S):
                for message in messages:
                    await self._send(message)
        except OSError:  # a TimeoutError is one
            raise CallerGone from None

    def _head(self, headers: RawHeaders) -> Message:
        explanation = self._call.route.explained(self._call.candidate)
        raw = [
            *headers,
            (b"request-id", self._call.request_id.encode()),
            (b"caicaini-route", explanation.encode("ascii", "replace")),
            *self._standings.raw_headers(),
            *_CROSS_ORIGIN,
        ]
        return {"type": "http.response.start", "status": 200, "headers": raw}
