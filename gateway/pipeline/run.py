"""The life of an admitted call: ask the upstream, settle, answer.

A cancellation ends the call at whatever await it has reached. Every way out of here settles the
call's hold once, without an await before it, so that no cancellation can come between.
"""

import asyncio
import logging
from typing import NamedTuple

import msgspec

from gateway.call import Call, CallerGone
from gateway.errors import (
    GatewayError,
    InternalFailure,
    KeyRevoked,
    ShuttingDown,
    forget_frames,
)
from gateway.metering.operations import SettleResult
from gateway.pipeline import attempts, charges, settlement, upstream_call
from gateway.pipeline.charges import Charge
from gateway.pipeline.relay import Relay
from gateway.pipeline.sink import FanOut
from gateway.reply.events import MessageStop, Usage, encode_reply
from gateway.reply.token_usage import estimate_output
from gateway.runtime.services import GatewayServices
from usage.models import Ending
from usage.records import Record

logger = logging.getLogger(__name__)

# How long an error waits for its hold to be released: a second. A slow ledger must not delay it
# longer. It is counted in turns of the event loop, so that a machine that pauses is not a timeout.
_RELEASE_TURNS = 10
_TURN_S = 0.1


class Served(NamedTuple):
    """A call that was answered."""

    call: Call
    charge: Charge
    result: SettleResult

    @property
    def record(self) -> Record:
        """Its request record, with what was really charged."""
        return msgspec.structs.replace(
            self.call.record,
            credits=self.result.charged,
            lost_credits=self.result.lost,
            balance_after=self.result.balance_after,
        )

    @property
    def balance_after(self) -> int | None:
        """The balance after its own ledger entry: None for a void, and while PostgreSQL is
        unavailable."""
        return self.result.balance_after


async def answer(services: GatewayServices, call: Call, out: FanOut) -> Served:
    """Send the whole answer to `out`; raises a GatewayError, with nothing charged."""
    try:
        reply = await attempts.first_that_answers(
            services,
            call,
            lambda way: upstream_call.ask(services, call, way),
            may_retry=lambda: True,
        )
    except BaseException as error:  # noqa: BLE001 (every way out settles the hold)
        public = _public_error(call, error)
        _, settled = _give_up(services, call, public, delivered=None, has_begun=False)
        await _released(public, settled)
        raise public from None
    charge = charges.completed(
        call,
        reply.usage,
        services.catalogue.current,
        delivered=lambda: estimate_output(reply.content),
    )
    result = await settlement.settle(
        services,
        call,
        charge,
        ending=Ending.COMPLETED,
        status=200,
        stop_reason=reply.stop_reason,
    )
    body = encode_reply(
        reply,
        message_id=call.message_id,
        model=call.candidate.model.public_id,
        usage=charge.usage,
        credits_consumed=result.charged,
    )
    await out.answer(body, result)
    return Served(call, charge, result)


async def stream(services: GatewayServices, call: Call, out: FanOut) -> Served:
    """Send the answer to `out` in frames, all but the end of the stream itself.

    Raises a GatewayError while nothing has been sent; later, it is the last frame.
    """
    relay = Relay(services, call, out.send)
    try:
        end = await attempts.first_that_answers(
            services, call, relay.run, may_retry=lambda: not relay.has_content
        )
    except BaseException as error:  # noqa: BLE001 (every way out settles the hold)
        public = _public_error(call, error)
        delivered = relay.usage_so_far()
        charge, settled = _give_up(
            services, call, public, delivered=delivered, has_begun=relay.has_sent
        )
        await _released(public, settled)
        if not relay.has_sent or not isinstance(public, GatewayError):
            raise public from None
        forget_frames(error)
        await out.send(public.frame(call.request_id))
        return Served(call, charge, SettleResult(charge.actual or 0, charge.lost))
    charge = charges.completed(
        call, end.usage, services.catalogue.current, delivered=relay.delivered_tokens_estimate
    )
    result = await settlement.settle(
        services, call, charge, ending=Ending.COMPLETED, status=200, stop_reason=end.stop_reason
    )
    final = relay.encoder.final(
        end,
        usage=charge.usage,
        credits_consumed=result.charged,
        credits_remaining=result.balance_after,
    )
    await out.send(final + relay.encoder.frame(MessageStop()))
    return Served(call, charge, result)


def _public_error(call: Call, error: BaseException) -> BaseException:
    """Return the error that the caller is sent, or the one that says nobody reads it."""
    if isinstance(error, GatewayError | CallerGone):
        return error
    if isinstance(error, asyncio.CancelledError):
        return cut_of(call) or error
    if not isinstance(error, Exception):
        return error  # the process itself is ending
    logger.error("call %s failed", call.request_id, exc_info=error)
    return InternalFailure()


def cut_of(call: Call) -> GatewayError | None:
    """Return the error of a call that we cancelled ourselves; None if something else did."""
    if call.is_cut_by_revocation:
        return KeyRevoked()
    return ShuttingDown() if call.is_cut_by_shutdown else None


def _give_up(
    services: GatewayServices,
    call: Call,
    error: BaseException,
    *,
    delivered: Usage | None,
    has_begun: bool,
) -> tuple[Charge, "asyncio.Future[SettleResult]"]:
    """Settle the hold of a call that was not answered to its end."""
    if not isinstance(error, GatewayError):
        charge = charges.caller_left(call, delivered)
        status = 200 if has_begun else settlement.STATUS_CALLER_LEFT
        settled = settlement.settle(
            services, call, charge, ending=Ending.CALLER_LEFT, status=status
        )
        return charge, settled
    # A key is revoked by the caller's own side, as a connection is closed.
    is_revoked = isinstance(error, KeyRevoked)
    charged = charges.caller_left if is_revoked else charges.not_charged
    charge = charged(call, delivered)
    settled = settlement.settle(
        services,
        call,
        charge,
        ending=_ending(error, has_begun=has_begun),
        status=200 if has_begun else error.status,
        error=error,
    )
    return charge, settled


async def _released(error: BaseException, settled: "asyncio.Future[SettleResult]") -> None:
    """Wait until a failed call's hold is released before its error is sent: the next call may
    arrive at another process, and clients never repeat a 402. The error then names the balance."""
    if not isinstance(error, GatewayError):
        return
    for _ in range(_RELEASE_TURNS):
        done, _ = await asyncio.wait({settled}, timeout=_TURN_S)
        if done:
            error.credits_remaining = _posted(settled)
            return


def _posted(settled: "asyncio.Future[SettleResult]") -> int | None:
    """Return the balance after a settlement; None if it is unknown."""
    if settled.cancelled() or settled.exception() is not None:
        return None
    return settled.result().posted


def _ending(error: GatewayError, *, has_begun: bool) -> Ending:
    if isinstance(error, ShuttingDown):
        return Ending.SHUTDOWN
    if isinstance(error, KeyRevoked):
        return Ending.REVOKED
    return Ending.BROKE_OFF if has_begun else Ending.FAILED
