"""The Starlette application behind /v1: addresses, errors to HTTP, cross-origin answers."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any

from django.conf import settings
from starlette.applications import Starlette
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.call import CallerGone
from gateway.errors import MethodNotAllowed, RouteNotFound
from gateway.http import (
    cors,
    count_tokens,
    credits,
    guard,
    messages,
    models,
    request_body,
    requests,
    usage,
)
from gateway.http.responses import error_response, new_request_id
from gateway.runtime.services import running_services
from server import notices

_ADDRESSES = (
    "POST /v1/messages, POST /v1/messages/count_tokens, GET /v1/models, GET /v1/models/{id}, "
    "GET /v1/credits, GET /v1/usage, GET /v1/requests/{id}"
)


class _AnyText(PathConvertor):
    """The rest of an address, including line breaks, at which Starlette's own converter stops."""

    regex = "(?s:.*)"


register_url_convertor("text", _AnyText())


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
    async with running_services() as services:
        notices.ready()
        yield {"services": services, "drain": services.drain}


async def _not_found(request: Request, error: Exception) -> Response:
    await _discard_body(request)
    place = f"{request.method} {request.url.path}"
    refusal = RouteNotFound(f"There is nothing at {place[:200]}. What there is: {_ADDRESSES}.")
    return error_response(refusal, new_request_id())


async def _not_allowed(request: Request, error: Exception) -> Response:
    await _discard_body(request)
    allowed = getattr(error, "headers", None) or {}
    refusal = MethodNotAllowed(request.method, allowed=allowed.get("Allow", "POST"))
    return error_response(refusal, new_request_id())


async def _discard_body(request: Request) -> None:
    """Receive the body: a client that gets its response while it sends may see a reset instead."""
    with suppress(CallerGone):
        await request_body.discard(request.receive, limit_bytes=settings.MAX_BODY_BYTES)


_starlette = Starlette(
    routes=[
        Route("/v1/messages", messages.Messages(), methods=["POST"]),
        Route("/v1/messages/count_tokens", count_tokens.count_tokens, methods=["POST"]),
        Route("/v1/models", models.list_models, methods=["GET"]),
        Route("/v1/models/{model_id:text}", models.show_model, methods=["GET"]),
        Route("/v1/credits", credits.show_credits, methods=["GET"]),
        Route("/v1/usage", usage.show_usage, methods=["GET"]),
        Route("/v1/requests/{request_id:text}", requests.show_request, methods=["GET"]),
    ],
    exception_handlers={404: _not_found, 405: _not_allowed},
    lifespan=_lifespan,
)
_starlette.router.redirect_slashes = False


class _FastLane:
    """Routes calls past the routing and middleware that only the other addresses need.

    Layers around an endpoint cost a call nearly as much as checking its body. So do coroutines that
    only await another one, as each is resumed whenever the call is.
    """

    def __init__(self, others: Starlette) -> None:
        self._messages = messages.Messages()
        self._others = others
        self.routes = others.routes

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer calls and preflights directly; leave the rest to Starlette."""
        if scope["type"] != "http":
            return self._others(scope, receive, send)
        if (refusal := guard.refusal_of(scope["headers"])) is not None:
            return guard.refuse(refusal, scope, receive, send)
        if scope["method"] == "POST" and scope["path"] == "/v1/messages":
            return self._messages(scope, receive, send)
        if scope["method"] == "OPTIONS":
            return cors.answer_preflight(scope, send, request_id=new_request_id())
        return self._others(scope, receive, send)


app = _FastLane(_starlette)
