"""Attempts at a call: one upstream after another, until one answers."""

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from gateway.call import Call
from gateway.errors import (
    InvalidRequest,
    Refusal,
    UpstreamError,
    UpstreamMisconfigured,
    UpstreamOverloaded,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
    forget_frames,
)
from gateway.pipeline import learned, upstream_call
from gateway.reply.token_usage import estimate_tokens
from gateway.runtime.services import GatewayServices
from gateway.upstreams.circuit_breaker import CircuitBreakers, retry_after_s
from gateway.upstreams.client import AttemptLimits, Deadlines
from gateway.upstreams.router import Candidate
from usage.records import RecordAttempt

Answer = TypeVar("Answer")
Ask = Callable[[Candidate], Awaitable[Answer]]

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 3
_PAUSE_S = 0.1


async def first_that_answers(
    services: GatewayServices,
    call: Call,
    ask: Ask[Answer],
    *,
    may_retry: Callable[[], bool],
) -> Answer:
    """Try the route's candidates in order, and again while attempts are left; raises the last
    error, or UpstreamUnavailable if no candidate may be asked now.

    A refusal of the request itself is final: the next upstream would refuse it as well. So is
    every error once something was delivered. Within a call, an upstream is not asked again that
    timed out, that named a time to wait, or that rejects this gateway.
    """
    attempts = _Attempts(services, call, may_retry)
    while True:
        way = attempts.begin()
        try:
            answer = await ask(way)
        except UpstreamError as error:
            if not await attempts.goes_on_after(error):
                raise
        except BaseException:
            attempts.abandon()
            raise
        else:
            attempts.succeed()
            return answer


class _Attempts:
    """The attempts at one call: how many there were, and what is left of its route and its time."""

    def __init__(
        self, services: GatewayServices, call: Call, may_retry: Callable[[], bool]
    ) -> None:
        self._services = services
        self._call = call
        self._may_retry = may_retry
        self._workspace_id = call.caller.workspace_id
        self._ends_at = time.monotonic() + services.client.deadlines.total_s
        self._ways = deque(call.route.candidates)
        self._asked: set[int] = set()  # ids of upstreams
        self._number = 0
        self._started_ms = 0
        self._failure: UpstreamError | None = None
        services.retries.begin_call(self._workspace_id)

    def begin(self) -> Candidate:
        """Begin the next attempt; raises the last error, or UpstreamUnavailable, if no candidate
        may be asked now."""
        call, ways, breakers = self._call, self._ways, self._services.breakers
        while ways and not breakers.begin(ways[0].upstream.id, self._workspace_id):
            ways.popleft()
        if not ways:
            raise self._failure or _unavailable(breakers, call)
        call.candidate = way = ways.popleft()
        self._number += 1
        self._asked.add(way.upstream.id)
        call.attempt_limits = limits_of_attempt(
            self._services.client.deadlines,
            self._ends_at,
            may_leave=call.request.stream or self._is_another_left(),
        )
        call.upstream_status = None
        self._started_ms = call.elapsed_ms()
        return way

    def _is_another_left(self) -> bool:
        """Whether the route has an upstream that was not asked yet."""
        return any(other.upstream.id not in self._asked for other in self._ways)

    def succeed(self) -> None:
        self._note("")
        self._services.breakers.succeeded(self._call.candidate.upstream.id)

    def abandon(self) -> None:
        """End an attempt that was cancelled: it says nothing about its upstream."""
        self._note("cancelled")
        upstream_id = self._call.candidate.upstream.id
        self._services.breakers.abandoned(upstream_id, self._workspace_id)

    async def goes_on_after(self, error: UpstreamError) -> bool:
        """End a failed attempt; return whether another one is to be made. Waits before one at the
        same upstream."""
        call, way, breakers = self._call, self._call.candidate, self._services.breakers
        self._note(error.error_code or "")
        _complete(error, call, way)
        forget_frames(error)
        self._failure = error
        if self._number < MOST_ATTEMPTS and self._may_retry() and await _learns(error, call, way):
            breakers.succeeded(way.upstream.id)
            self._ways.appendleft(way)
            return True
        may_repeat = _report(breakers, way, error, self._workspace_id)
        is_last = self._number >= min(MOST_ATTEMPTS, error.most_attempts)
        if is_last or not (error.may_fall_back and self._may_retry()):
            return False
        if may_repeat:
            self._ways.append(way)
        self._ways = ways = await _encodable(call, self._ways, like=way)
        if not ways or time.monotonic() >= self._ends_at:
            return False
        if not self._services.retries.take(self._workspace_id):
            return False
        if ways[0].upstream.id in self._asked:
            await asyncio.sleep(_PAUSE_S * (1 + random.random()))  # noqa: S311 (only jitter)
        return True

    def _note(self, error_code: str) -> None:
        call, way = self._call, self._call.candidate
        call.attempts.append(
            RecordAttempt(
                way.upstream.id,
                way.model.public_id,
                self._started_ms,
                call.elapsed_ms() - self._started_ms,
                call.upstream_status,
                error_code,
            )
        )


def _report(
    breakers: CircuitBreakers, way: Candidate, error: UpstreamError, workspace_id: int
) -> bool:
    """Report a failed attempt to the upstream's breaker; return whether it may be asked again."""
    upstream_id = way.upstream.id
    match error:
        case UpstreamMisconfigured():
            logger.error(
                "upstream %d of %s rejects this gateway: check its address and credentials",
                upstream_id,
                way.model.public_id,
            )
            if error.is_certain:
                breakers.misconfigured(upstream_id, workspace_id)
            else:
                breakers.failed(upstream_id, workspace_id)
            return False
        case UpstreamOverloaded(retry_after_s=int(wait_s)):
            breakers.told_to_wait(upstream_id, workspace_id, for_s=wait_s)
            return False
        case UpstreamError(is_models_fault=True):
            breakers.succeeded(upstream_id)
            return True
        case UpstreamUnavailable():  # no connection: no request can cause that
            breakers.unreachable(upstream_id, workspace_id)
            return error.may_repeat
        case UpstreamError(may_fall_back=True):
            breakers.failed(upstream_id, workspace_id)
            return not isinstance(error, UpstreamTimeout)
    breakers.succeeded(upstream_id)  # it answered: it finds fault with the request
    return False


async def _learns(error: UpstreamError, call: Call, way: Candidate) -> bool:
    """Whether a refusal says what the upstream wants otherwise, so that the call is repeated.

    A call beside this one may have learned it while this one was under way.
    """
    if not isinstance(error, UpstreamRefused) or error.refusal not in learned.TEACHING:
        return False
    workspace_id = call.caller.workspace_id
    way.upstream.learned_of(workspace_id)
    is_new = learned.learns(error, call.request, way.upstream.known_to(workspace_id))
    sent = None if call.encoded is None else call.encoded[1].body
    call.encoded = None
    return is_new or (await upstream_call.encoded(call, way)).body != sent


def _complete(error: UpstreamError, call: Call, way: Candidate) -> None:
    """Give a refusal the numbers that its upstream left out and clients act on."""
    if not isinstance(error, UpstreamRefused):
        return
    is_of_prompt = error.refusal is Refusal.PROMPT
    error.completed(
        sent=estimate_tokens(call.request.text_bytes) if is_of_prompt else way.max_tokens,
        limit=way.model.context_tokens if is_of_prompt else None,
        model=way.model.public_id,
    )


def _unavailable(breakers: CircuitBreakers, call: Call) -> UpstreamUnavailable:
    ids = (way.upstream.id for way in call.route.candidates)
    blocked = breakers.blocked(call.caller.workspace_id)
    return UpstreamUnavailable(retry_after_s=retry_after_s(blocked, ids))


def limits_of_attempt(deadlines: Deadlines, ends_at: float, *, may_leave: bool) -> AttemptLimits:
    """Return how long an attempt may take that begins now. One clock bounds all attempts of a call.

    A plain answer comes in one piece when the model is done. So a plain call leaves a silent
    upstream only if another one can answer (`may_leave`); a stream would have begun by then.
    """
    left_s = max(0.0, ends_at - time.monotonic())
    return AttemptLimits(deadlines.first_byte_s if may_leave else left_s, left_s)


async def _encodable(call: Call, ways: Iterable[Candidate], *, like: Candidate) -> deque[Candidate]:
    """Return the ways whose format can express the request, as the format of `like` can. Another
    model may keep out a part of it."""
    kept: deque[Candidate] = deque()
    for way in ways:
        try:
            if way.upstream.format != like.upstream.format or way.model is not like.model:
                await upstream_call.encoded(call, way)
        except InvalidRequest:
            continue
        kept.append(way)
    return kept
