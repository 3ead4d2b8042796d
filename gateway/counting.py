"""POST /v1/messages/count_tokens: how many input tokens a request has. Costs nothing."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from billing.models import Source
from gateway import admission, bodies, exchange, requests, tally
from gateway.calls import Call, Caller
from gateway.respond import json_response, with_key
from gateway.services import GatewayServices
from keys.standing import StandingKey


@with_key
async def count_tokens(request: Request, key: StandingKey, request_id: UUID) -> Response:
    """Answer with the upstream's own count, or an estimate where it has none to give."""
    services: GatewayServices = request.state.services
    counted = requests.parse_count(await bodies.checked(request.headers, request.receive))
    call = Call(
        id=request_id,
        caller=Caller(key.workspace_id, key.id, Source.API, tuple(key.allowed_models)),
        request=counted,
        beta=", ".join(request.headers.getlist("anthropic-beta")) or None,
    )
    estimate = max(1, tally.tokens_of(counted.text_bytes))
    standings = await services.limiter.admit(key.workspace_id, input_tokens=0)
    admission.find_route(services, call)
    tokens = await exchange.count_tokens(services, call, call.candidate)
    body = {"input_tokens": estimate if tokens is None else tokens}
    return json_response(body, request_id, headers=standings.headers())
