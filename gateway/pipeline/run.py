"""The life of an admitted call: ask the upstream, settle, answer.

A call runs in its caller's own task. A caller who hangs up cancels that task at whatever await it
stands; every way out of here closes the call's hold once, without an await before it, so that no
cancellation can come between.
"""

import asyncio
import logging
from typing import NamedTuple

from gateway.call import Call, CallerGone
from gateway.errors import GatewayError, InternalFailure, ShuttingDown
from gateway.metering.operations import SettleResult
from gateway.pipeline import attempts, charges, settlement
from gateway.pipeline.attempts import Deliver, Relay
from gateway.reply.events import MessageStop, Usage, encode_reply
from gateway.runtime.services import GatewayServices
from usage.models import Ending

logger = logging.getLogger(__name__)

# How long an error waits for its hold to be gone: a second. A ledger that is slow must not keep it
# back. It is counted in turns of the event loop: while the machine stands still, nobody is slow.
_FREED_WITHIN_TURNS = 10
_TURN_S = 0.1


class PlainAnswer(NamedTuple):
    """The body of a call that does not stream, and what it cost."""

    body: bytes
    credits_consumed: int


async def answer(services: GatewayServices, call: Call) -> PlainAnswer:
    """Return the whole answer; raises a GatewayError, with nothing charged."""
    try:
        reply = await attempts.first_that_answers(
            services, call, lambda way: attempts.ask(services, call, way), may_retry=lambda: True
        )
    except BaseException as error:  # noqa: BLE001 (every way out closes the hold)
        seen = _as_seen(call, error)
        ended = _give_up(services, call, seen, delivered=None, has_begun=False)
        await _freed(seen, ended)
        raise seen from None
    account = charges.completed(price=call.candidate.price, usage=reply.usage)
    closed = await settlement.close(
        services,
        call,
        account,
        ending=Ending.COMPLETED,
        status=200,
        stop_reason=reply.stop_reason,
    )
    body = encode_reply(
        reply,
        message_id=call.message_id,
        model=call.candidate.model.public_id,
        usage=account.usage,
        credits_consumed=closed.charged,
    )
    return PlainAnswer(body, closed.charged)


async def stream(services: GatewayServices, call: Call, deliver: Deliver) -> None:
    """Pass the answer on in frames; `deliver` returns once the caller's side has taken them.

    Raises a GatewayError while nothing has been sent; later, it is the last frame.
    """
    relay = Relay(services, call, deliver)
    try:
        end = await attempts.first_that_answers(
            services, call, relay.run, may_retry=lambda: not relay.has_begun
        )
    except BaseException as error:  # noqa: BLE001 (every way out closes the hold)
        seen = _as_seen(call, error)
        delivered = relay.usage_so_far()
        ended = _give_up(services, call, seen, delivered=delivered, has_begun=relay.has_spoken)
        await _freed(seen, ended)
        if not relay.has_spoken or not isinstance(seen, GatewayError):
            raise seen from None
        await deliver(seen.frame(call.request_id))
        return
    account = charges.completed(price=call.candidate.price, usage=end.usage)
    closed = await settlement.close(
        services, call, account, ending=Ending.COMPLETED, status=200, stop_reason=end.stop_reason
    )
    final = relay.encoder.final(end, usage=account.usage, credits_consumed=closed.charged)
    await deliver(final + relay.encoder.frame(MessageStop()))


def _as_seen(call: Call, error: BaseException) -> BaseException:
    """Return what the caller is told, or what says that nobody is there to be told."""
    if isinstance(error, GatewayError | CallerGone):
        return error
    if isinstance(error, asyncio.CancelledError):
        return ShuttingDown() if call.is_cut_by_shutdown else error
    if not isinstance(error, Exception):
        return error  # the process itself is ending
    logger.error("call %s failed", call.request_id, exc_info=error)
    return InternalFailure()


def _give_up(
    services: GatewayServices,
    call: Call,
    error: BaseException,
    *,
    delivered: Usage | None,
    has_begun: bool,
) -> "asyncio.Future[SettleResult]":
    """Close the hold of a call that did not come to its end."""
    price = call.candidate.price
    if not isinstance(error, GatewayError):
        return settlement.close(
            services,
            call,
            charges.caller_left(price=price, delivered=delivered),
            ending=Ending.CALLER_LEFT,
            status=200 if has_begun else settlement.STATUS_CALLER_LEFT,
        )
    return settlement.close(
        services,
        call,
        charges.not_charged(price=price, worth=delivered),
        ending=_ending(error, has_begun=has_begun),
        status=200 if has_begun else error.status,
        error_type=error.type,
    )


async def _freed(error: BaseException, ended: "asyncio.Future[SettleResult]") -> None:
    """Wait until the credits of a call are there again for whoever is told that it failed: the
    next one may come in at another process, and a 402 is never sent again."""
    if not isinstance(error, GatewayError):
        return
    for _ in range(_FREED_WITHIN_TURNS):
        done, _ = await asyncio.wait({ended}, timeout=_TURN_S)
        if done:
            return


def _ending(error: GatewayError, *, has_begun: bool) -> Ending:
    if isinstance(error, ShuttingDown):
        return Ending.SHUTDOWN
    return Ending.BROKE_OFF if has_begun else Ending.FAILED
