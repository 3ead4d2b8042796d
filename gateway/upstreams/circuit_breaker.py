"""Which upstreams are worth asking: a circuit breaker for each, and a budget for retries.

Both are per process and in memory: a wrong guess costs one attempt, and every process learns
within a few calls.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

_FAILURES_TO_OPEN = 5
_OPEN_FOR_S = 10.0
# Attempts past the first may be at most a fifth of all calls, and a few at the start: an upstream
# in trouble must not be sent twice the traffic.
_RETRIES_PER_CALL = 0.2
_RETRIES_SAVED_UP = 10.0
_NONE: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Breaker:
    failures: int = 0
    open_until: float = 0.0


class CircuitBreakers:
    """Counts failures in a row by upstream id.

    After five an upstream is left alone for ten seconds; then calls go there again, and the first
    success closes the breaker while the first failure opens it anew.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._breakers: dict[int, _Breaker] = {}
        self._retries = _RETRIES_SAVED_UP

    def open_breakers(self) -> frozenset[int]:
        """Return the upstreams to be left alone now."""
        if not self._breakers:
            return _NONE  # as long as nothing fails
        now = self._clock()
        return frozenset(
            upstream for upstream, breaker in self._breakers.items() if breaker.open_until > now
        )

    def succeeded(self, upstream_id: int) -> None:
        """An upstream answered."""
        self._breakers.pop(upstream_id, None)

    def failed(self, upstream_id: int) -> None:
        """An upstream did not answer, or broke off."""
        breaker = self._breakers.setdefault(upstream_id, _Breaker())
        breaker.failures += 1
        if breaker.failures >= _FAILURES_TO_OPEN:
            breaker.open_until = self._clock() + _OPEN_FOR_S

    def begin_call(self) -> None:
        """A call makes its first attempt; it earns a part of a retry."""
        self._retries = min(self._retries + _RETRIES_PER_CALL, _RETRIES_SAVED_UP)

    def take_retry(self) -> bool:
        """Tell whether another attempt is within the budget, and spend it."""
        if self._retries < 1.0:
            return False
        self._retries -= 1.0
        return True
