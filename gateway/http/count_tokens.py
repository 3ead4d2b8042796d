"""POST /v1/messages/count_tokens: how many input tokens a request has. Costs nothing."""

from functools import partial
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from billing.models import Source
from catalogue.snapshot import ModelRow
from gateway.call import Call, Caller
from gateway.http import request_body
from gateway.http.responses import json_response, with_key
from gateway.limits import offload
from gateway.pipeline import admission, attempts
from gateway.reply import token_usage
from gateway.request import parse
from gateway.request.parse import MessagesRequest
from gateway.runtime.services import GatewayServices
from keys.gateway_queries import CachedKey


@with_key
async def count_tokens(request: Request, key: CachedKey, request_id: UUID) -> Response:
    """Answer with the upstream's own count, or an estimate where it has none to give."""
    services: GatewayServices = request.state.services
    body = await request_body.checked(request.headers, request.receive)
    counted = await offload.work_off(partial(parse.parse_count, body), size_bytes=len(body))
    call = Call(
        id=request_id,
        caller=Caller(key.workspace_id, key.id, Source.API, tuple(key.allowed_models)),
        request=counted,
        beta=", ".join(request.headers.getlist("anthropic-beta")) or None,
    )
    standings = await services.limiter.admit(key.workspace_id, input_tokens=0)
    admission.find_route(services, call)
    tokens = await attempts.count_tokens(services, call, call.candidate)
    if tokens is None:
        tokens = _estimate(counted, call.candidate.model)
    return json_response({"input_tokens": tokens}, request_id, headers=standings.headers())


def _estimate(request: MessagesRequest, model: ModelRow) -> int:
    """An image or a document is taken for the most it can be: who asks wants to stay below a
    limit."""
    attachments = request.image_count + request.document_count
    text = token_usage.tokens_of(request.text_bytes)
    return max(1, text + attachments * model.max_tokens_per_image)
