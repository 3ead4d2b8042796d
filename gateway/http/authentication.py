"""Who calls: from a request's headers to its key, for endpoints that need one."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from functools import partial, wraps
from uuid import UUID

from django.conf import settings
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from gateway.call import CallerGone
from gateway.errors import (
    GatewayError,
    InternalFailure,
    InvalidApiKey,
    InvalidRequest,
    forget_frames,
)
from gateway.http import request_body
from gateway.http.client_address import client_network
from gateway.http.request_headers import headers_of
from gateway.http.responses import error_response, new_request_id
from gateway.runtime.services import GatewayServices
from keys import tokens
from keys.gateway_queries import CachedKey
from server.http_protocol import CONNECTION, HttpProtocol

logger = logging.getLogger(__name__)


def presented_token(headers: Mapping[str, str]) -> str:
    """Return the token of a request; raises InvalidApiKey for a request without one.

    `x-api-key` and `Authorization: Bearer` may hold it; some clients send one of them empty, or
    with another service's credential, beside the other. Clients also write `bearer`, or several
    spaces. Raises InvalidRequest for two different keys of ours: one of the two would pay for what
    its owner did not mean.
    """
    presented: list[str] = []
    if "x-api-key" in headers:
        presented += headers["x-api-key"].split(",")  # a header that came twice is a list
    if "authorization" in headers:
        for credential in headers["authorization"].split(","):
            scheme, _, bearer = credential.strip().partition(" ")
            if scheme.lower() == "bearer":
                presented.append(bearer)
    ours = {token for token in map(str.strip, presented) if token.startswith(tokens.PREFIX)}
    if len(ours) > 1:
        raise InvalidRequest("Send one API key: this request has two different ones")
    if not ours:
        raise InvalidApiKey
    return ours.pop()


async def authenticated(
    services: GatewayServices,
    scope: Scope,
    headers: Mapping[str, str],
    receive: Receive,
    *,
    may_be_stale: bool = False,
) -> CachedKey:
    """Return the caller's key before the body is read; raises InvalidApiKey, LedgerUnavailable,
    RateLimited. `may_be_stale` is for calls, because the hold reads their key again.

    A refused caller's body is received and discarded: a client that gets its response while it
    sends may see a reset connection instead.
    """
    try:
        key = await services.key_ring.authenticate(
            presented_token(headers),
            address=partial(client_network, scope),
            may_be_stale=may_be_stale,
        )
    except GatewayError:
        await request_body.discard(receive, limit_bytes=settings.MAX_BODY_BYTES)
        raise
    connection: HttpProtocol | None = scope.get(CONNECTION)
    if connection is not None:
        connection.flow.owner = key.workspace_id
    return key


# Of reads, which may be kept if they are asked for again, and of answers to posts.
_PRIVATE = ("private, no-cache", "no-store")
KeyedEndpoint = Callable[[Request, CachedKey, UUID], Awaitable[Response]]


def with_key(endpoint: KeyedEndpoint) -> Callable[[Request], Awaitable[Response]]:
    """Turn a function of the caller's key and a request id into an endpoint, which a workspace may
    ask for so many times at once and in a minute."""

    @wraps(endpoint)
    async def limited(request: Request, key: CachedKey, request_id: UUID) -> Response:
        services: GatewayServices = request.state.services
        limits = services.counts if request.method == "POST" else services.reads
        with ExitStack() as counted:
            try:
                counted.enter_context(limits.counted(key.workspace_id))
            except GatewayError:
                await request_body.discard(request.receive, limit_bytes=settings.MAX_BODY_BYTES)
                raise
            return await endpoint(request, key, request_id)

    return with_key_unlimited(limited)


def with_key_unlimited(endpoint: KeyedEndpoint) -> Callable[[Request], Awaitable[Response]]:
    """The same without limits, for what is in memory anyway."""

    @wraps(endpoint)
    async def answered(request: Request) -> Response:
        request_id = new_request_id()
        services: GatewayServices = request.state.services
        try:
            headers = headers_of(request.scope)
            key = await authenticated(services, request.scope, headers, request.receive)
            response = await endpoint(request, key, request_id)
        except GatewayError as error:
            forget_frames(error)
            await services.refusal_pace.wait(error, partial(client_network, request.scope))
            return error_response(error, request_id)
        except CallerGone as gone:
            forget_frames(gone)
            return Response(status_code=499)  # nobody reads it
        except Exception:
            logger.exception("request req_%s failed", request_id.hex)
            return error_response(InternalFailure(), request_id)
        response.headers.setdefault("cache-control", _PRIVATE[request.method == "POST"])
        return response

    return answered
