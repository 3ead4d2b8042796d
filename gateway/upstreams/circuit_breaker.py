"""A circuit breaker for each upstream, and a budget for retries.

Both are per process and in memory: a wrong guess costs one attempt, and every process finds out
within a few calls.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

_FAILURES_TO_OPEN = 5
_OPEN_FOR_S = 10.0
# Retries are at most a fifth of all calls, and a few at the start: a failing upstream must not get
# twice the traffic.
_RETRIES_PER_CALL = 0.2
_RETRIES_SAVED_UP = 10.0
_NONE: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Breaker:
    failures: int = 0
    open_until: float = 0.0


class CircuitBreakers:
    """Counts failures in a row by upstream id.

    Five open an upstream's breaker for ten seconds. After that calls go there again: the first
    success closes the breaker, the first failure opens it again.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._breakers: dict[int, _Breaker] = {}
        self._retries = _RETRIES_SAVED_UP

    def open_breakers(self) -> frozenset[int]:
        """Return the upstreams whose breaker is open now."""
        if not self._breakers:
            return _NONE  # the usual case
        now = self._clock()
        return frozenset(
            upstream for upstream, breaker in self._breakers.items() if breaker.open_until > now
        )

    def succeeded(self, upstream_id: int) -> None:
        """Record that an upstream answered."""
        self._breakers.pop(upstream_id, None)

    def failed(self, upstream_id: int) -> None:
        """Record that an upstream failed to answer, or broke off."""
        breaker = self._breakers.setdefault(upstream_id, _Breaker())
        breaker.failures += 1
        if breaker.failures >= _FAILURES_TO_OPEN:
            breaker.open_until = self._clock() + _OPEN_FOR_S

    def begin_call(self) -> None:
        """Record a call's first attempt, which adds a part of a retry to the budget."""
        self._retries = min(self._retries + _RETRIES_PER_CALL, _RETRIES_SAVED_UP)

    def take_retry(self) -> bool:
        """Return whether another attempt is within the budget, and spend it."""
        if self._retries < 1.0:
            return False
        self._retries -= 1.0
        return True
