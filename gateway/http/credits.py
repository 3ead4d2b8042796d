"""GET /v1/credits: what is left to spend."""

from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import LedgerUnavailable
from gateway.http.authentication import with_key
from gateway.http.responses import json_response
from gateway.runtime.services import GatewayServices
from keys.gateway_queries import CachedKey

_CREDITS = (
    "SELECT posted - held, held, posted, owed FROM billing_wallet"
    " WHERE workspace_id = %s AND pool = 'api'"
)


@with_key
async def show_credits(request: Request, key: CachedKey, request_id: UUID) -> Response:
    """Answer GET /v1/credits: the api wallet of the key's workspace, in credits."""
    services: GatewayServices = request.state.services
    try:
        async with services.reports.connection() as connection:
            cursor = await connection.execute(_CREDITS, [key.workspace_id])
            row = await cursor.fetchone()
    except (PoolTimeout, psycopg.OperationalError):
        raise LedgerUnavailable from None
    available, held, posted, owed = row or (0, 0, 0, 0)
    body = {
        "object": "credits",
        "pool": "api",
        "available": available,
        "held": held,
        "posted": posted,
        "owed": owed,
        "credits_per_usd": 100_000,
    }
    return json_response(body, request_id)
