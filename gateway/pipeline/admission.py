"""Let a call in: find its route and hold the most it may cost."""

import asyncio
import random
from typing import NoReturn

from catalogue.pricing import TOKENS_PER_PRICE_UNIT
from gateway.call import Call
from gateway.errors import (
    InvalidApiKey,
    InvalidRequest,
    LedgerUnavailable,
    OutOfCredits,
    PermissionDenied,
)
from gateway.metering.operations import Hold, HoldDecision, HoldResult, Void
from gateway.metering.pending import LedgerUnreachable
from gateway.pipeline import attempts
from gateway.runtime.services import GatewayServices
from gateway.upstreams import router

# No wallet has as much. PostgreSQL's bigint ends here, and would refuse the whole batch.
_MOST_CREDITS = 2**63 - 1


async def admit(services: GatewayServices, call: Call) -> None:
    """Set the call's route and hold its credits; raises a GatewayError, and then holds nothing."""
    find_route(services, call)
    await _find_words(call)
    reserved = await _reserve(services, call, call.candidate.bound)
    if reserved.verdict is HoldDecision.OUT_OF_CREDITS:
        reserved = await _reserve_tightly(services, call, reserved.available)
    _raise_unless_admitted(call, reserved)


def find_route(services: GatewayServices, call: Call) -> None:
    """Set the call's route and its best candidate; raises a GatewayError."""
    call.route = router.route(
        call.request,
        services.catalogue.current,
        allowed_models=call.caller.allowed_models,
        now=call.accepted_at,
        unhealthy=services.health.open_breakers(),
        draw=random.random,
    )
    call.candidate = call.route.candidates[0]


async def _find_words(call: Call) -> None:
    """Leave out the first ways as long as their format cannot say the request.

    Raises InvalidRequest where none can, before any hold.
    """
    refusals: list[InvalidRequest] = []
    for place, way in enumerate(call.route.candidates):
        try:
            await attempts.encoded(call, way)
        except InvalidRequest as error:
            refusals.append(error)
            continue
        if place:
            call.route, call.candidate = call.route.beginning_with(place), way
        return
    raise refusals[0]


async def _reserve(services: GatewayServices, call: Call, amount: int) -> HoldResult:
    caller = call.caller
    amount = min(amount, _MOST_CREDITS)
    operation = Hold(
        call.id, caller.workspace_id, caller.key_id, caller.source, amount, call.accepted_at
    )
    try:
        reserved = await services.writer.reserve(operation)
    except LedgerUnreachable:
        raise LedgerUnavailable from None
    except asyncio.CancelledError:
        services.writer.release(Void(call.id, caller.workspace_id))
        raise
    if reserved.verdict is HoldDecision.ADMITTED:
        call.held = amount
    return reserved


async def _reserve_tightly(services: GatewayServices, call: Call, available: int) -> HoldResult:
    """Count the tokens and ask again: the first bound took each byte for a token.

    No upstream is troubled to count what cannot fit however few tokens it has.
    """
    candidate = call.candidate
    least = candidate.price.bound(input_tokens=1, output_tokens=candidate.max_tokens)
    if least > available:
        _raise_out_of_credits(call, candidate.bound, available)
    count = await attempts.count_tokens(services, call, candidate)
    if count is None:
        _raise_out_of_credits(call, candidate.bound, available)
    bound = candidate.price.bound(input_tokens=count, output_tokens=candidate.max_tokens)
    if bound > available:
        _raise_out_of_credits(call, bound, available)
    call.route = call.route.of_one_model()
    return await _reserve(services, call, bound)


def _raise_unless_admitted(call: Call, reserved: HoldResult) -> None:
    match reserved.verdict:
        case HoldDecision.KEY_UNUSABLE:
            raise InvalidApiKey
        case HoldDecision.FROZEN:
            raise PermissionDenied(
                "This workspace's credits are being checked; no new calls until that is done."
            )
        case HoldDecision.OUT_OF_CREDITS | HoldDecision.NO_WALLET:
            _raise_out_of_credits(call, call.candidate.bound, reserved.available)


def _raise_out_of_credits(call: Call, required: int, available: int) -> NoReturn:
    output_price = call.candidate.price.output
    # In millionths: rounded to credits before they are taken apart, a token too many would fit.
    left = (available - required) * TOKENS_PER_PRICE_UNIT + call.candidate.max_tokens * output_price
    affordable = left // output_price if output_price and left > 0 else 0
    raise OutOfCredits(
        credits_required=required,
        credits_available=available,
        affordable_max_tokens=affordable or None,
    )
