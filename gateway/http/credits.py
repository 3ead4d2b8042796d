"""GET /v1/credits: what is left to spend."""

from uuid import UUID

import psycopg
from starlette.requests import Request
from starlette.responses import Response

from billing.gateway_queries import api_balance
from gateway.errors import LedgerUnavailable
from gateway.http.authentication import with_key
from gateway.http.responses import json_response
from gateway.runtime.services import GatewayServices
from keys.gateway_queries import CachedKey


@with_key
async def show_credits(request: Request, key: CachedKey, request_id: UUID) -> Response:
    """Answer GET /v1/credits: the api wallet of the key's workspace, in credits."""
    services: GatewayServices = request.state.services
    try:
        async with services.reports.connection(key.workspace_id) as connection:
            balance = await api_balance(connection, workspace_id=key.workspace_id)
    except psycopg.OperationalError:
        raise LedgerUnavailable from None
    body = {
        "object": "credits",
        "pool": "api",
        "available": balance.available,
        "held": balance.held,
        "posted": balance.posted,
        "owed": balance.owed,
        "credits_per_usd": 100_000,
    }
    return json_response(body, request_id)
