"""End a call in the books: exactly one operation per admitted call, handed over synchronously."""

import asyncio

from gateway.call import Call
from gateway.metering.operations import Settle, SettleResult
from gateway.pipeline.charges import Charge
from gateway.runtime.services import GatewayServices
from usage.models import Ending
from usage.records import Record

# No status was sent: nginx's number for a client that closed the connection.
STATUS_CALLER_LEFT = 499


def close(
    services: GatewayServices,
    call: Call,
    account: Charge,
    *,
    ending: Ending,
    status: int,
    error_type: str = "",
    stop_reason: str = "",
) -> "asyncio.Future[SettleResult]":
    """Charge or void the call's hold and write its record; awaiting the future is optional."""
    assert not call.is_closed, "a call is closed once"
    call.is_closed = True
    record = _record(
        call,
        account,
        ending=ending,
        status=status,
        error_type=error_type,
        stop_reason=stop_reason,
    )
    return services.writer.close(Settle(record, account.actual, call.held))


def _record(
    call: Call, account: Charge, *, ending: Ending, status: int, error_type: str, stop_reason: str
) -> Record:
    usage = account.usage
    candidate = call.candidate
    return Record(
        id=call.id,
        workspace_id=call.caller.workspace_id,
        accepted_at=call.accepted_at,
        key_id=call.caller.key_id,
        source=call.caller.source,
        requested_model=call.request.model,
        resolved_model=candidate.model.public_id,
        upstream_id=candidate.upstream.id,
        price_id=candidate.price.id,
        route=call.route.explained(candidate)[:500],
        is_stream=call.request.stream,
        status=status,
        error_type=error_type,
        ending=ending,
        stop_reason=stop_reason[:40],
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_creation_input_tokens=usage.cache_creation_input_tokens,
        cache_read_input_tokens=usage.cache_read_input_tokens,
        is_usage_estimated=account.is_estimated,
        credits=0,  # filled in from what is really charged
        lost_credits=account.lost,
        first_byte_ms=call.first_byte_ms,
        duration_ms=call.elapsed_ms(),
    )
