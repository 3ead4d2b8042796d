"""POST /v1/messages as a bare ASGI application: one short caller of `pipeline.serve`."""

from collections.abc import Awaitable
from functools import partial
from uuid import UUID

from starlette.types import Receive, Scope, Send

from billing.models import Source
from gateway.call import Caller
from gateway.errors import InvalidApiKey
from gateway.http import endpoint
from gateway.http.authentication import authenticated
from gateway.http.sinks import HttpSink
from gateway.pipeline.serve import Policy, begin, end, serve
from gateway.runtime.services import GatewayServices
from keys.gateway_queries import CachedKey

_POLICY = Policy()


class Messages:
    """The endpoint for calls."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request, whatever happens."""
        work = partial(_serve, scope, receive, send)
        return endpoint.answer_or_error(work, scope, receive, send)


def caller_of(key: CachedKey) -> Caller:
    """Return the caller that a key stands for."""
    return Caller(
        workspace_id=key.workspace_id,
        source=Source.API,
        key_id=key.id,
        allowed_models=tuple(key.allowed_models),
    )


async def _serve(scope: Scope, receive: Receive, send: Send, request_id: UUID) -> None:
    services: GatewayServices = scope["state"]["services"]
    headers = endpoint.headers_of(scope)
    try:
        key = await authenticated(services, scope, headers, receive, may_be_stale=True)
    except InvalidApiKey as error:
        if error.key is not None:
            services.refusals.note(caller_of(error.key), request_id, error)
        raise
    caller = caller_of(key)
    async with endpoint.body_of(services, caller, headers, receive) as body:
        await begin(services, caller, request_id)
        try:
            labelled, request = await endpoint.labelled_request(
                services, caller, headers, body, request_id
            )
            await serve(
                services,
                labelled,
                request,
                HttpSink(scope, receive, send),
                _POLICY,
                request_id=request_id,
                beta=headers.get("anthropic-beta") or None,
                version=headers.get("anthropic-version"),
                is_begun=True,
            )
        finally:
            end(services, caller)
