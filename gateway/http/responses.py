"""Who asks, and answers of the public API as HTTP responses with the ids they carry."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any
from uuid import UUID

import msgspec
import uuid_utils.compat as uuid_utils
from django.conf import settings
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from gateway.call import CallerGone
from gateway.errors import GatewayError, InternalFailure
from gateway.http import cors, request_body
from gateway.runtime.key_cache import presented_token
from gateway.runtime.services import GatewayServices
from keys.gateway_queries import CachedKey

logger = logging.getLogger(__name__)

_JSON = "application/json"


def new_request_id() -> UUID:
    """Return a time-ordered id: requests that come together lie together in the indexes."""
    request_id: UUID = uuid_utils.uuid7()
    return request_id


def json_response(
    body: Any, request_id: UUID, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return `body`, encoded unless it is bytes already, with its request id."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    named = {"request-id": f"req_{request_id.hex}", **cors.HEADERS, **(headers or {})}
    return Response(content, status_code=status, headers=named, media_type=_JSON)


def error_response(error: GatewayError, request_id: UUID) -> Response:
    """Return an error in the one shape that all clients read."""
    body = error.body(f"req_{request_id.hex}")
    return json_response(body, request_id, status=error.status, headers=error.headers())


async def authenticated(
    services: GatewayServices, headers: Mapping[str, str], receive: Receive
) -> CachedKey:
    """Know the caller before keeping their body; raises InvalidApiKey, LedgerUnavailable.

    The body of whoever is turned away is taken in and thrown away: a client that is answered while
    it sends sees a reset connection instead of the answer.
    """
    try:
        return await services.key_ring.authenticate(presented_token(headers))
    except GatewayError:
        await request_body.discard(receive, limit_bytes=settings.MAX_BODY_BYTES)
        raise


KeyedEndpoint = Callable[[Request, CachedKey, UUID], Awaitable[Response]]


def with_key(endpoint: KeyedEndpoint) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint of a function that wants the caller's key and a request id."""

    @wraps(endpoint)
    async def answered(request: Request) -> Response:
        request_id = new_request_id()
        services: GatewayServices = request.state.services
        try:
            key = await authenticated(services, request.headers, request.receive)
            return await endpoint(request, key, request_id)
        except GatewayError as error:
            return error_response(error, request_id)
        except CallerGone:
            return Response(status_code=499)  # nobody reads it
        except Exception:
            logger.exception("request req_%s failed", request_id.hex)
            return error_response(InternalFailure(), request_id)

    return answered
