"""GET /v1/credits: what is left to spend, and for how long it lasts."""

from datetime import UTC, datetime
from uuid import UUID

import psycopg
from starlette.requests import Request
from starlette.responses import Response

from billing.gateway_queries import Balance, api_balance
from gateway.errors import LedgerUnavailable
from gateway.http.authentication import with_key
from gateway.http.etags import tagged_response
from gateway.runtime.services import GatewayServices
from keys.gateway_queries import CachedKey
from usage.burn import Burn, burn_of


@with_key
async def show_credits(request: Request, key: CachedKey, request_id: UUID) -> Response:
    """Answer GET /v1/credits: the api wallet of the key's workspace, in credits."""
    services: GatewayServices = request.state.services
    workspace_id = key.workspace_id
    try:
        async with services.reports.connection(workspace_id) as connection:
            balance = await api_balance(connection, workspace_id=workspace_id)
            burn = await burn_of(connection, workspace_id=workspace_id, now=datetime.now(UTC))
    except psycopg.OperationalError:
        raise LedgerUnavailable from None
    return tagged_response(described(balance, burn), request_id, request.headers)


def described(balance: Balance, burn: Burn) -> dict[str, object]:
    """Return the balance and the rate as the endpoint's JSON."""
    runs_dry_at = burn.runs_dry_at(balance.available)
    return {
        "object": "credits",
        "pool": "api",
        "available": balance.available,
        "held": balance.held,
        "posted": balance.posted,
        "owed": balance.owed,
        "burn_per_hour": burn.credits_per_hour,
        "runs_dry_at": runs_dry_at and runs_dry_at.isoformat().replace("+00:00", "Z"),
        "credits_per_usd": 100_000,
    }
