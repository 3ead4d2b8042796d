"""Settle a call in the books: exactly one operation per admitted call, queued synchronously."""

import asyncio

from gateway.call import Call
from gateway.errors import GatewayError
from gateway.metering.operations import Settle, SettleResult
from gateway.pipeline.charges import Charge
from gateway.runtime.services import GatewayServices
from usage.models import Ending
from usage.records import Record

# nginx's number for a client that disconnected: no status was sent.
STATUS_CALLER_LEFT = 499


def settle(
    services: GatewayServices,
    call: Call,
    charge: Charge,
    *,
    ending: Ending,
    status: int,
    error: GatewayError | None = None,
    stop_reason: str = "",
) -> "asyncio.Future[SettleResult]":
    """Charge or void the call's hold and write its record; awaiting the future is optional."""
    assert not call.is_settled, "a call is settled once"
    call.is_settled = True
    if error is not None:
        error.is_recorded = True
    call.record = _record(
        call, charge, ending=ending, status=status, error=error, stop_reason=stop_reason
    )
    return services.writer.settle(Settle(call.record, charge.actual, call.held))


def _kept_for_an_hour(charge: Charge) -> int | None:
    """The part of what was written to the cache; None if it was not reported."""
    is_known = charge.usage.cache_creation_1h_input_tokens is not None
    return charge.tokens.cache_write_1h or (0 if is_known else None)


def _record(
    call: Call,
    charge: Charge,
    *,
    ending: Ending,
    status: int,
    error: GatewayError | None,
    stop_reason: str,
) -> Record:
    tokens, caller, candidate = charge.tokens, call.caller, call.candidate
    labels = caller.labels
    return Record(
        id=call.id,
        workspace_id=caller.workspace_id,
        accepted_at=call.accepted_at,
        key_id=caller.key_id,
        member_id=caller.member_id,
        source=caller.source,
        tags=labels.tags or None,
        session_id=labels.session_id,
        user_label=labels.user_label,
        requested_model=call.request.model,
        resolved_model=candidate.model.public_id,
        upstream_id=candidate.upstream.id,
        price_id=candidate.price.id,
        route=call.route.recorded(candidate, needs=call.request.needs)[:500],
        is_stream=call.request.stream,
        status=status,
        error_type=error.type if error else "",
        error_code=error.error_code if error else None,
        ending=ending,
        stop_reason=stop_reason[:40],
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_creation_input_tokens=tokens.cache_write + tokens.cache_write_1h,
        cache_read_input_tokens=tokens.cache_read,
        cache_creation_1h_input_tokens=_kept_for_an_hour(charge),
        is_usage_estimated=charge.is_estimated,
        lines=charge.lines,
        hold_amount=call.held,
        credits=0,  # set to what is really charged, as balance_after is
        lost_credits=charge.lost,
        attempts=tuple(call.attempts),
        queue_ms=call.queue_ms,
        hold_ms=call.hold_ms,
        first_byte_ms=call.first_byte_ms,
        duration_ms=call.elapsed_ms(),
    )
