"""POST /developers/console/check: what a request would cost at most, and which model would take it.

It is checked as a call is, and holds, asks and charges nothing. Pages send it while a person
writes, with the data of images and documents replaced by placeholders: those count by the piece.
"""

from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from starlette.types import Receive, Scope, Send

from accounts.access import KEY_ROLES
from billing.gateway_queries import Balance, api_balance
from console.admission import admitted
from console.routes import explained
from console.run import NO_STORE, caller_of
from console.schema_warnings import schema_warnings
from gateway.call import Call
from gateway.errors import LedgerUnavailable
from gateway.http import endpoint, request_body
from gateway.http.responses import json_response
from gateway.limits import offload
from gateway.pipeline import admission
from gateway.request import parse
from gateway.runtime.services import GatewayServices
from web.templatetags.display import CREDITS_PER_DOLLAR

LARGEST_BYTES = 1024 * 1024


class Check:
    """The endpoint for requests that are not sent yet."""

    access_policy = f"member: {', '.join(KEY_ROLES)}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the bound and the route, or with the error that the call would get."""

        async def work(request_id: UUID) -> None:
            body = await _checked(scope, receive, request_id)
            response = json_response(body, request_id, common_headers=NO_STORE)
            await response(scope, receive, send)

        await endpoint.answer_or_error(work, scope, receive, send, error_headers=NO_STORE)


async def _checked(scope: Scope, receive: Receive, request_id: UUID) -> dict[str, Any]:
    services: GatewayServices = scope["state"]["services"]
    member = await admitted(scope, receive)
    limit = min(LARGEST_BYTES, settings.MAX_BODY_BYTES)
    body = await request_body.read(receive, limit_bytes=limit)
    request = await offload.run(
        partial(parse.messages_request, body),
        size_bytes=len(body),
        workspace_id=member.workspace_id,
    )
    call = Call(id=request_id, caller=caller_of(member), request=request)
    # Counted as a call: it takes as much of this process as a request for a count of tokens.
    await services.limiter.admit(member.workspace_id, input_tokens=0)
    await admission.plan(services, call)
    balance = await _balance(services, member.workspace_id)
    warned = await offload.run(partial(schema_warnings, request), size_bytes=len(body))
    return {
        "bound": call.candidate.bound,
        "bound_usd": f"{call.candidate.bound / CREDITS_PER_DOLLAR:.5f}",
        "model": call.candidate.model.public_id,
        "route": explained(call.route, request),
        "balance": balance.posted,
        "available": balance.available,
        "warnings": [warning._asdict() for warning in warned],
    }


async def _balance(services: GatewayServices, workspace_id: int) -> Balance:
    try:
        async with services.reports.connection(workspace_id) as connection:
            return await api_balance(connection, workspace_id=workspace_id)
    except psycopg.OperationalError:
        raise LedgerUnavailable from None
