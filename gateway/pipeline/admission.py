"""Admit a call: find its route and hold the most it can cost."""

import asyncio
import random
from collections.abc import Mapping
from typing import NoReturn

from catalogue.pricing import TOKENS_PER_PRICE_UNIT
from gateway.call import Call
from gateway.errors import (
    CreditsHeld,
    GatewayError,
    InternalFailure,
    InvalidApiKey,
    InvalidRequest,
    LedgerUnavailable,
    OutOfCredits,
    PermissionDenied,
)
from gateway.metering.operations import Hold, HoldDecision, HoldResult, Void
from gateway.metering.pending import LedgerUnreachable
from gateway.pipeline import upstream_call
from gateway.runtime.services import GatewayServices
from gateway.upstreams import router

# No wallet has as much. This is the largest bigint: PostgreSQL would refuse the whole batch above.
_MOST_CREDITS = 2**63 - 1


async def admit(services: GatewayServices, call: Call) -> None:
    """Set the call's route and hold its credits; raises a GatewayError, and then holds nothing."""
    await plan(services, call)
    call.queue_ms = call.elapsed_ms()
    if call.request.document_count:
        bound = await _bound_of_documents(services, call)
        result = await _hold(services, call, bound)
    else:
        bound = call.candidate.bound
        result = await _hold(services, call, bound)
        if result.decision is HoldDecision.OUT_OF_CREDITS:
            bound = await _counted_bound(services, call, result)
            result = await _hold(services, call, bound)
    _raise_unless_admitted(call, result, bound)
    call.hold_ms = call.elapsed_ms() - call.queue_ms


async def plan(services: GatewayServices, call: Call) -> None:
    """Set the route that the call would take now, without a hold; raises a GatewayError."""
    find_route(services, call, blocked=services.breakers.blocked(call.caller.workspace_id))
    await _skip_unencodable(call)


def find_route(services: GatewayServices, call: Call, *, blocked: Mapping[int, float]) -> None:
    """Set the call's route and its best candidate; raises a GatewayError. `blocked` as in
    `router.route`."""
    call.route = router.route(
        call.request,
        services.catalogue.current,
        allowed_models=call.caller.allowed_models,
        now=call.accepted_at,
        blocked=blocked,
        draw=random.random,
    )
    call.candidate = call.route.candidates[0]


async def _skip_unencodable(call: Call) -> None:
    """Drop the first candidates while their format cannot express the request.

    Raises InvalidRequest if none can, before any hold.
    """
    refusals: list[InvalidRequest] = []
    for place, way in enumerate(call.route.candidates):
        try:
            await upstream_call.encoded(call, way)
        except InvalidRequest as error:
            refusals.append(error)
            continue
        if place:
            call.route, call.candidate = call.route.beginning_with(place), way
        return
    raise refusals[0]


async def _hold(services: GatewayServices, call: Call, amount: int) -> HoldResult:
    caller = call.caller
    amount = min(amount, _MOST_CREDITS)
    operation = Hold(
        id=call.id,
        workspace_id=caller.workspace_id,
        key_id=caller.key_id,
        secret_id=caller.secret_id,
        member_id=caller.member_id,
        source=caller.source,
        amount=amount,
        accepted_at=call.accepted_at,
    )
    try:
        result = await services.writer.hold(operation)
    except LedgerUnreachable:
        raise LedgerUnavailable from None
    except asyncio.CancelledError:
        services.writer.void(Void(call.id, caller.workspace_id))
        raise
    if result.decision is HoldDecision.ADMITTED:
        call.held = amount
    return result


async def _bound_of_documents(services: GatewayServices, call: Call) -> int:
    """Count the tokens whatever the balance: the size of a document says nothing about them, and
    those above the hold would be given away. Without a count the whole context is held for."""
    candidate = call.candidate
    if call.request.rereads:
        return candidate.bound
    count = await upstream_call.count_tokens(services, call, candidate)
    if count is None:
        return candidate.bound
    call.route = call.route.of_one_model()
    return candidate.bound_of(call.request, input_tokens=count)


async def _counted_bound(services: GatewayServices, call: Call, refused: HoldResult) -> int:
    """Count the tokens and return the bound that follows: the first one took each byte for a token.

    The upstream is not asked to count what cannot fit however few tokens it has, nor where its
    own tools add to them. Raises OutOfCredits or CreditsHeld if the least bound that is known does
    not fit.
    """
    candidate = call.candidate
    if call.request.rereads:
        _raise_not_held(call, candidate.bound, refused)
    least = candidate.bound_of(call.request, input_tokens=1)
    if least > refused.available:
        _raise_not_held(call, candidate.bound if least > refused.posted else least, refused)
    count = await upstream_call.count_tokens(services, call, candidate)
    if count is None:
        _raise_not_held(call, candidate.bound, refused)
    bound = candidate.bound_of(call.request, input_tokens=count)
    if bound > refused.available:
        _raise_not_held(call, bound, refused)
    call.route = call.route.of_one_model()
    return bound


def _raise_unless_admitted(call: Call, result: HoldResult, bound: int) -> None:
    match result.decision:
        case HoldDecision.ADMITTED:
            return
        case HoldDecision.KEY_UNUSABLE:
            raise InvalidApiKey
        case HoldDecision.FROZEN:
            denied = PermissionDenied(
                "This workspace's credits are being checked; no new calls until that is done."
            )
            denied.credits_remaining = result.posted
            raise denied
        case HoldDecision.OUT_OF_CREDITS | HoldDecision.NO_WALLET:
            _raise_not_held(call, bound, result)
        case HoldDecision.LIMIT_REACHED:
            raise InternalFailure  # no limit is sent with a hold yet


def _raise_not_held(call: Call, required: int, refused: HoldResult) -> NoReturn:
    """Raise CreditsHeld if the end of running calls would make room, OutOfCredits otherwise."""
    error: GatewayError
    if required <= refused.posted:
        error = CreditsHeld(
            credits_required=required,
            credits_available=refused.available,
            credits_held=refused.held,
        )
    else:
        error = _out_of_credits(call, required, refused.available)
    error.credits_remaining = refused.posted
    raise error


def _out_of_credits(call: Call, required: int, available: int) -> OutOfCredits:
    output_price = call.candidate.price.output
    # In millionths: rounded to credits first, one token too many would seem to fit.
    left = (available - required) * TOKENS_PER_PRICE_UNIT + call.candidate.max_tokens * output_price
    affordable = left // output_price if output_price and left > 0 else 0
    return OutOfCredits(
        credits_required=required,
        credits_available=available,
        affordable_max_tokens=affordable or None,
    )
