"""GET /v1/requests/{request_id}: the receipt of one call, as JSON.

Amounts are whole credits; the exact ones of single lines are integers, in millionths of a credit.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import LedgerUnavailable, RequestNotFound
from gateway.http.authentication import with_key
from gateway.http.responses import json_response
from gateway.http.usage import sums
from gateway.runtime.services import GatewayServices
from keys.gateway_queries import CachedKey
from usage import elsewhere, lookup, sessions
from usage.elsewhere import Alternative, PricedOffer
from usage.lookup import Found
from usage.reading import UsageRow, usage_async
from usage.receipts import Hold, Receipt, ReceiptLine, receipt_of
from usage.records import Record, RecordAttempt

Connection = psycopg.AsyncConnection[Any]
_SAME_NAMES = ("status", "ending", "source", "requested_model", "resolved_model", "route")


@with_key
async def show_request(request: Request, key: CachedKey, request_id: UUID) -> Response:
    """Answer with the receipt of a call of the key's workspace."""
    services: GatewayServices = request.state.services
    asked = request.path_params["request_id"]
    try:
        async with services.reports.connection(key.workspace_id) as connection:
            found = await _find(connection, key.workspace_id, asked)
            session = await _session_of(connection, found) if found else None
    except psycopg.OperationalError:
        raise LedgerUnavailable from None
    if found is None:
        raise RequestNotFound(asked)
    offers = _offers_at(services, found.record.accepted_at)
    body = described(receipt_of(found), session, elsewhere.alternatives(found.record, offers))
    return json_response(body, request_id, headers={"cache-control": "private, no-cache"})


async def _find(connection: Connection, workspace_id: int, request_id: str) -> Found | None:
    for parameters in lookup.parameters_of(workspace_id=workspace_id, request_id=request_id):
        cursor = await connection.execute(lookup.QUERY, parameters)
        if (row := await cursor.fetchone()) is not None:
            return lookup.found(row)
    return None


async def _session_of(connection: Connection, found: Found) -> UsageRow | None:
    """Return the sums of all calls of the session; None for a call without one."""
    question = sessions.question_of(found.record)
    if question is None:
        return None
    return next(iter(await usage_async(connection, question)), None)


def _offers_at(services: GatewayServices, moment: datetime) -> list[PricedOffer]:
    """Return the models of now that had a price then."""
    return [
        PricedOffer(
            model.public_id,
            model.context_tokens,
            model.max_output_tokens,
            model.capabilities,
            price,
        )
        for model in services.catalogue.current.models.values()
        if (price := model.price_at(moment)) is not None
    ]


def described(
    receipt: Receipt, session: UsageRow | None, alternatives: list[Alternative]
) -> dict[str, Any]:
    """Return the receipt as its JSON."""
    record = receipt.record
    return {
        "object": "request",
        "id": f"req_{record.id.hex}",
        "accepted_at": _written(record.accepted_at),
        **{name: getattr(record, name) for name in _SAME_NAMES},
        "stop_reason": record.stop_reason or None,
        "stream": record.is_stream,
        "error": _error(record),
        "refusals": record.refusals,
        "key_id": record.key_id,
        "session_id": record.session_id,
        "session": session and sums(session),
        "user_id": record.user_label,
        "tags": record.tags or (),
        "usage": _usage(record),
        "lines": [_line(line) for line in receipt.lines],
        "microcredits": receipt.millionths,
        "credits_consumed": record.credits,
        "credits_lost": record.lost_credits,
        "hold": receipt.hold and _hold(receipt.hold),
        "ledger_entry": receipt.entry
        and {"number": receipt.entry.seq, "created_at": _written(receipt.entry.created_at)},
        "attempts": [_attempt(one) for one in record.attempts or ()],
        "timings_ms": {
            "queue": record.queue_ms,
            "hold": record.hold_ms,
            "first_byte": record.first_byte_ms,
            "total": record.duration_ms,
        },
        "alternatives": [
            {"model": one.model, "credits": one.credits, "difference": one.difference}
            for one in alternatives
            if not (one.is_this_call or one.is_without_cache)
        ],
    }


def _error(record: Record) -> dict[str, Any] | None:
    if not record.error_type:
        return None
    return {
        "type": record.error_type,
        "error_code": record.error_code,
        "message": record.error_message,
    }


def _usage(record: Record) -> dict[str, Any]:
    return {
        "input_tokens": record.input_tokens,
        "output_tokens": record.output_tokens,
        "cache_creation_input_tokens": record.cache_creation_input_tokens,
        "cache_read_input_tokens": record.cache_read_input_tokens,
        "is_estimated": record.is_usage_estimated,
    }


def _line(line: ReceiptLine) -> dict[str, Any]:
    if line.is_of_uses:
        priced = {"uses": line.units, "credits_per_1000_uses": line.price_shown}
    else:
        priced = {"tokens": line.units, "credits_per_million_tokens": line.price}
    return {
        "class": line.token_class,
        "model": line.model,
        **priced,
        "price_from": line.price_from and _written(line.price_from),
        "microcredits": line.millionths,
    }


def _hold(hold: Hold) -> dict[str, Any]:
    return {
        "amount": hold.amount,
        "released": hold.released,
        "balance_before": hold.balance_before,
        "balance_after": hold.balance_after,
    }


def _attempt(attempt: RecordAttempt) -> dict[str, Any]:
    """Return an attempt without the upstream's number, which names a server of ours."""
    fields: dict[str, Any] = msgspec.structs.asdict(attempt)
    del fields["upstream_id"]
    return fields | {"error": attempt.error or None}


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
