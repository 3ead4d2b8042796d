"""A circuit breaker for each upstream, and a budget for retries.

Both are per process and in memory: a wrong guess costs one attempt, and every process finds out
within a few calls.

    closed ── failures in a row ──▶ open ── time is up ──▶ half-open ── success ──▶ closed
                                     ▲                        │ one probe at a time
                                     └─────── failure ────────┘
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

logger = logging.getLogger(__name__)

FAILURES_TO_OPEN = 5
_OPEN_FOR_S = 10.0
# An upstream that rejects our credentials or address will do so until an operator mends it.
_MISCONFIGURED_FOR_S = 30.0
# How soon a call may come again that finds another one's probe under way.
_PROBE_S = 1.0
# Retries are at most a fifth of all calls, and a few at the start: a failing upstream must not get
# twice the traffic.
_RETRIES_PER_CALL = 0.2
_RETRIES_SAVED_UP = 10.0
_NONE: Mapping[int, float] = {}


@dataclass(slots=True)
class _Breaker:
    failures: int = 0
    is_open: bool = False  # or half-open, once `open_until` has passed
    open_until: float = 0.0
    is_probed: bool = False


class CircuitBreakers:
    """Counts failures in a row by upstream id; `failures_to_open` of 0 keeps all breakers closed.

    An open breaker admits no call for ten seconds, or for as long as the upstream's `retry-after`
    says. After that it admits one call at a time: the first success closes it, the first failure
    opens it again. `on_change` receives an upstream's id and the reason when its breaker opens, and
    an empty reason when it closes.
    """

    def __init__(
        self,
        *,
        failures_to_open: int = FAILURES_TO_OPEN,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[int, str], None] = lambda upstream_id, reason: None,
    ) -> None:
        self._failures_to_open = failures_to_open
        self._clock = clock
        self._on_change = on_change
        self._breakers: dict[int, _Breaker] = {}
        self._retries = _RETRIES_SAVED_UP

    def blocked(self) -> Mapping[int, float]:
        """Return the upstreams that may not be asked now, each with the seconds until it may."""
        if not self._breakers:
            return _NONE  # the usual case
        waits = ((upstream, self._wait_s(breaker)) for upstream, breaker in self._breakers.items())
        return {upstream: wait_s for upstream, wait_s in waits if wait_s > 0}

    def begin(self, upstream_id: int) -> bool:
        """Return whether a call may ask this upstream now. If it does, it reports what happened:
        `succeeded`, `failed`, `told_to_wait`, `misconfigured` or `abandoned`."""
        breaker = self._breakers.get(upstream_id)
        if breaker is None:
            return True
        if self._wait_s(breaker) > 0:
            return False
        breaker.is_probed = breaker.is_open
        return True

    def succeeded(self, upstream_id: int) -> None:
        """Record that an upstream answered."""
        breaker = self._breakers.pop(upstream_id, None)
        if breaker is not None and breaker.is_open:
            logger.info("upstream %d recovered", upstream_id)
            self._on_change(upstream_id, "")

    def failed(self, upstream_id: int) -> None:
        """Record that an upstream failed to answer, or broke off."""
        breaker = self._failure(upstream_id)
        if breaker.is_open or breaker.failures >= self._failures_to_open:
            self._open(upstream_id, breaker, for_s=_OPEN_FOR_S, because="it fails")

    def told_to_wait(self, upstream_id: int, *, for_s: float) -> None:
        """Record that an upstream named the time before which it does not want to be asked."""
        breaker = self._failure(upstream_id)
        self._open(upstream_id, breaker, for_s=for_s, because="it is busy")

    def misconfigured(self, upstream_id: int) -> None:
        """Record that an upstream rejected our credentials or address."""
        breaker = self._failure(upstream_id)
        self._open(upstream_id, breaker, for_s=_MISCONFIGURED_FOR_S, because="it rejects us")

    def abandoned(self, upstream_id: int) -> None:
        """Record that a call ended before its upstream could succeed or fail."""
        if (breaker := self._breakers.get(upstream_id)) is not None:
            breaker.is_probed = False

    def begin_call(self) -> None:
        """Record a call's first attempt, which adds a part of a retry to the budget."""
        self._retries = min(self._retries + _RETRIES_PER_CALL, _RETRIES_SAVED_UP)

    def take_retry(self) -> bool:
        """Return whether another attempt is within the budget, and spend it."""
        if self._retries < 1.0:
            return False
        self._retries -= 1.0
        return True

    def _wait_s(self, breaker: _Breaker) -> float:
        left_s = breaker.open_until - self._clock()
        return _PROBE_S if left_s <= 0 and breaker.is_probed else left_s

    def _failure(self, upstream_id: int) -> _Breaker:
        breaker = self._breakers.setdefault(upstream_id, _Breaker())
        breaker.failures += 1
        breaker.is_probed = False
        return breaker

    def _open(self, upstream_id: int, breaker: _Breaker, *, for_s: float, because: str) -> None:
        if not self._failures_to_open:
            return
        if not breaker.is_open:
            logger.warning("upstream %d is not asked for %.0f s: %s", upstream_id, for_s, because)
            self._on_change(upstream_id, because)
        breaker.is_open = True
        breaker.open_until = max(breaker.open_until, self._clock() + for_s)


def retry_after_s(blocked: Mapping[int, float], upstream_ids: Iterable[int]) -> int:
    """Return in how many whole seconds the first of these upstreams may be asked."""
    waits = [blocked[one] for one in upstream_ids if one in blocked]
    return max(1, math.ceil(min(waits, default=1.0)))
