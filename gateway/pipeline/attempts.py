"""Attempts at a call: one upstream after another, until one answers."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from gateway.call import Call
from gateway.errors import InvalidRequest, UpstreamError, UpstreamTimeout
from gateway.pipeline import upstream_call
from gateway.runtime.services import GatewayServices
from gateway.upstreams.router import Candidate
from usage.records import RecordAttempt

Answer = TypeVar("Answer")

_MOST_ATTEMPTS = 3
_PAUSE_S = 0.1


async def first_that_answers(
    services: GatewayServices,
    call: Call,
    ask: Callable[[Candidate], Awaitable[Answer]],
    *,
    may_retry: Callable[[], bool],
) -> Answer:
    """Try the route's candidates in order, and again while attempts are left; raises the last
    error.

    A refusal of the request itself is final: the next upstream would refuse it as well. So is
    every error once something was delivered, and a timeout of the only upstream: the caller has
    waited long enough.
    """
    services.breakers.begin_call()
    ways: Sequence[Candidate] = call.route.candidates
    for number in range(_MOST_ATTEMPTS):
        call.candidate = way = ways[number % len(ways)]
        try:
            answer = await _recorded(call, way, ask)
        except UpstreamError as error:
            if error.may_fall_back:
                services.breakers.failed(way.upstream.id)
            is_last = number + 1 == _MOST_ATTEMPTS
            if is_last or not (error.may_fall_back and may_retry()):
                raise
            ways = await _encodable(call, ways)
            is_new = number + 1 < len(ways)
            may_repeat = is_new or not isinstance(error, UpstreamTimeout)
            if not (may_repeat and services.breakers.take_retry()):
                raise
            if not is_new:
                await asyncio.sleep(_PAUSE_S * (1 + random.random()))  # noqa: S311 (only jitter)
        else:
            services.breakers.succeeded(way.upstream.id)
            return answer
    raise AssertionError("the last attempt returned or raised")


async def _recorded(
    call: Call, way: Candidate, ask: Callable[[Candidate], Awaitable[Answer]]
) -> Answer:
    """Make one attempt and add it to the call, however it ends."""
    started_ms = call.elapsed_ms()
    call.upstream_status = None
    error_code = "cancelled"
    try:
        answer = await ask(way)
        error_code = ""
        return answer
    except UpstreamError as error:
        error_code = error.error_code or ""
        raise
    finally:
        call.attempts.append(
            RecordAttempt(
                upstream_id=way.upstream.id,
                model=way.model.public_id,
                started_ms=started_ms,
                duration_ms=call.elapsed_ms() - started_ms,
                status=call.upstream_status,
                error=error_code,
            )
        )


async def _encodable(call: Call, ways: Sequence[Candidate]) -> list[Candidate]:
    """Return the ways whose format can express the request, as the first one's can."""
    kept = []
    for way in ways:
        try:
            if way.upstream.format != ways[0].upstream.format:
                await upstream_call.encoded(call, way)
        except InvalidRequest:
            continue
        kept.append(way)
    return kept
