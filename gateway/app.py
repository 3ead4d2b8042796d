"""The Starlette application behind /v1: addresses, errors to HTTP, cross-origin answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import counting, endpoints, listings, usage_report
from gateway.errors import MethodNotAllowed, RouteNotFound
from gateway.respond import error_response, new_request_id
from gateway.services import running_services

_ADDRESSES = (
    "POST /v1/messages, POST /v1/messages/count_tokens, GET /v1/models, GET /v1/models/{id}, "
    "GET /v1/credits, GET /v1/usage"
)
_EXPOSED_HEADERS = [
    "request-id",
    "retry-after",
    "x-should-retry",
    "caicaini-route",
    "caicaini-credits-consumed",
]


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
    async with running_services() as services:
        yield {"services": services}


async def _not_found(request: Request, error: Exception) -> Response:
    place = f"{request.method} {request.url.path}"
    refusal = RouteNotFound(f"There is nothing at {place[:200]}. What there is: {_ADDRESSES}.")
    return error_response(refusal, new_request_id())


async def _not_allowed(request: Request, error: Exception) -> Response:
    allowed = getattr(error, "headers", None) or {}
    refusal = MethodNotAllowed(request.method, allowed=allowed.get("Allow", "POST"))
    return error_response(refusal, new_request_id())


app = Starlette(
    routes=[
        Route("/v1/messages", endpoints.Messages(), methods=["POST"]),
        Route("/v1/messages/count_tokens", counting.count_tokens, methods=["POST"]),
        Route("/v1/models", listings.list_models, methods=["GET"]),
        Route("/v1/models/{model_id:path}", listings.show_model, methods=["GET"]),
        Route("/v1/credits", listings.show_credits, methods=["GET"]),
        Route("/v1/usage", usage_report.show_usage, methods=["GET"]),
    ],
    exception_handlers={404: _not_found, 405: _not_allowed},
    # Any page may call us with its user's key: no cookie is ever read here.
    middleware=[
        Middleware(
            CORSMiddleware,
            allow_origins=["*"],
            allow_methods=["GET", "POST", "HEAD", "OPTIONS"],
            allow_headers=["*"],
            expose_headers=_EXPOSED_HEADERS,
            max_age=86_400,
        )
    ],
    lifespan=_lifespan,
)
app.router.redirect_slashes = False
