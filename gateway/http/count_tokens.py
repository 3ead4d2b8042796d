"""POST /v1/messages/count_tokens: how many input tokens a request has. Costs nothing."""

from functools import partial
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from catalogue.snapshot import ModelRow
from gateway.call import Call
from gateway.http import request_body
from gateway.http.authentication import with_key
from gateway.http.messages import caller_of
from gateway.http.responses import json_response
from gateway.limits import offload
from gateway.pipeline import admission, upstream_call
from gateway.reply import token_usage
from gateway.request import parse
from gateway.request.parse import MessagesRequest
from gateway.runtime.services import GatewayServices
from keys.gateway_queries import CachedKey


@with_key
async def count_tokens(request: Request, key: CachedKey, request_id: UUID) -> Response:
    """Answer with the upstream's own count, or with an estimate if it has none to give."""
    services: GatewayServices = request.state.services
    body = await request_body.checked(request.headers, request.receive)
    counted = await offload.run(partial(parse.count_request, body), size_bytes=len(body))
    call = Call(
        id=request_id,
        caller=caller_of(key),
        request=counted,
        beta=", ".join(request.headers.getlist("anthropic-beta")) or None,
    )
    rate_limits = await services.limiter.admit(key.workspace_id, input_tokens=0)
    admission.find_route(services, call, blocked={})  # an estimate needs no upstream
    tokens = await upstream_call.count_tokens(services, call, call.candidate)
    if tokens is None:
        tokens = _estimate(counted, call.candidate.model)
    return json_response({"input_tokens": tokens}, request_id, headers=rate_limits.headers())


def _estimate(request: MessagesRequest, model: ModelRow) -> int:
    """Return an upper estimate: an image or a document counts for the most it can be, because the
    caller wants to stay below a limit."""
    attachments = request.image_count + request.document_count
    text = token_usage.estimate_tokens(request.text_bytes)
    return max(1, text + attachments * model.max_tokens_per_image)
