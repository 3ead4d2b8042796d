"""POST /v1/messages/count_tokens: how many input tokens a request has. Costs nothing."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from catalogue.snapshot import ModelRow
from gateway.call import Call
from gateway.http import endpoint
from gateway.http.authentication import with_key
from gateway.http.messages import caller_of
from gateway.http.request_headers import headers_of
from gateway.http.responses import json_response
from gateway.pipeline import admission, upstream_call
from gateway.reply import token_usage
from gateway.request.parse import MessagesRequest
from gateway.runtime.services import GatewayServices
from keys.gateway_queries import CachedKey


@with_key
async def count_tokens(request: Request, key: CachedKey, request_id: UUID) -> Response:
    """Answer with the upstream's own count, or with an estimate if it has none to give."""
    services: GatewayServices = request.state.services
    caller = caller_of(key)
    headers = headers_of(request.scope)
    async with endpoint.body_of(services, caller, headers, request.receive) as body:
        rate_limits = services.limiter.state(key.workspace_id)
        counted = await endpoint.counted_request(services, caller, body)
        call = Call(
            id=request_id,
            caller=caller,
            request=counted,
            beta=headers.get("anthropic-beta") or None,
            version=headers.get("anthropic-version"),
        )
        return json_response(
            {"input_tokens": await _tokens(services, call)},
            request_id,
            headers=rate_limits.headers(),
        )


async def _tokens(services: GatewayServices, call: Call) -> int:
    admission.find_route(services, call, blocked={})  # an estimate needs no upstream
    tokens = await upstream_call.count_tokens(services, call, call.candidate)
    return _estimate(call.request, call.candidate.model) if tokens is None else tokens


def _estimate(request: MessagesRequest, model: ModelRow) -> int:
    """Return an upper estimate: an image or a document counts for the most it can be, because the
    caller wants to stay below a limit."""
    attachments = request.image_count + request.document_count
    text = token_usage.estimate_tokens(request.text_bytes)
    return max(1, text + attachments * model.max_tokens_per_image)
