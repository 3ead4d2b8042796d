"""A circuit breaker for each upstream, and a budget for retries.

Both are per process and in memory: a wrong guess costs one attempt, and every process finds out
within a few calls.

    closed ── failures in a row ──▶ open ── time is up ──▶ half-open ── success ──▶ closed
                                     ▲                        │ one probe at a time
                                     └─────── failure ────────┘

A request can make a healthy upstream fail: it names a file that does not exist (404), asks for more
than fits into the time (timeout), or trips a server's template (500). So failures that a request
may have caused open a breaker for the workspace that made those requests, and for all only if a
second workspace's calls fail too. A connection that is refused, or not accepted in time, depends on
no request and counts against the upstream at once. Either way a caller of an upstream that is down
is refused without waiting for it.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

logger = logging.getLogger(__name__)

FAILURES_TO_OPEN = 5
OPEN_FOR_S = 10.0
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
    # The workspace of all failures since the breaker closed, or since it last opened for all.
    suspect: int | None = None
    suspended_until: float = 0.0  # for the suspect
    is_confirmed: bool = False  # that the upstream fails, not just one caller

    def is_open_for(self, workspace_id: int) -> bool:
        return self.is_open or (self.suspended_until > 0 and self.suspect == workspace_id)

    def closed_at(self, workspace_id: int) -> float:
        """Return when the next call of this workspace may ask."""
        if self.suspect == workspace_id:
            return max(self.open_until, self.suspended_until)
        return self.open_until

    def add_evidence(self, workspace_id: int | None) -> None:
        """Record whose call failed; None for a failure that no request can cause."""
        if workspace_id is None or self.suspect not in (None, workspace_id):
            self.is_confirmed = True
        else:
            self.suspect = workspace_id


class CircuitBreakers:
    """Counts failures in a row by upstream id; `failures_to_open` of 0 keeps all breakers closed.

    An open breaker admits no call for ten seconds, or for as long as the upstream's `retry-after`
    says. After that it admits one call at a time: the first success closes it, the first failure
    opens it again, under the same rule of who caused it. `on_change` receives an upstream's id and
    the reason when its breaker opens, and an empty reason when it closes.
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

    def blocked(self, workspace_id: int) -> Mapping[int, float]:
        """Return the upstreams that a workspace's call may not ask now, each with the seconds until
        it may."""
        if not self._breakers:
            return _NONE  # the usual case
        waits = (
            (upstream, self._wait_s(breaker, workspace_id))
            for upstream, breaker in self._breakers.items()
        )
        return {upstream: wait_s for upstream, wait_s in waits if wait_s > 0}

    def begin(self, upstream_id: int, workspace_id: int) -> bool:
        """Return whether a workspace's call may ask this upstream now. If it does, it reports what
        happened: `succeeded`, `failed`, `told_to_wait`, `misconfigured` or `abandoned`."""
        breaker = self._breakers.get(upstream_id)
        if breaker is None:
            return True
        if self._wait_s(breaker, workspace_id) > 0:
            return False
        if breaker.is_open_for(workspace_id):
            breaker.is_probed = True
        return True

    def succeeded(self, upstream_id: int) -> None:
        """Record that an upstream answered."""
        breaker = self._breakers.pop(upstream_id, None)
        if breaker is not None and (breaker.is_open or breaker.suspended_until):
            logger.info("upstream %d recovered", upstream_id)
            self._on_change(upstream_id, "")

    def failed(self, upstream_id: int, workspace_id: int | None) -> None:
        """Record that an upstream failed to answer, or broke off. `workspace_id` says whose request
        may have caused that; None if no request can."""
        breaker = self._failure(upstream_id)
        breaker.add_evidence(workspace_id)
        if not (breaker.is_open or breaker.failures >= self._failures_to_open):
            return
        if breaker.is_confirmed:
            self._open(upstream_id, breaker, for_s=OPEN_FOR_S, because="it fails")
        else:
            self._suspend(upstream_id, breaker)

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

    def _wait_s(self, breaker: _Breaker, workspace_id: int) -> float:
        left_s = breaker.closed_at(workspace_id) - self._clock()
        if left_s <= 0 and breaker.is_probed and breaker.is_open_for(workspace_id):
            return _PROBE_S
        return left_s

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
        # The next opening needs evidence of its own.
        breaker.suspect, breaker.suspended_until, breaker.is_confirmed = None, 0.0, False

    def _suspend(self, upstream_id: int, breaker: _Breaker) -> None:
        """Open the breaker for the one workspace whose calls fail."""
        if not self._failures_to_open:
            return
        if not breaker.suspended_until:
            logger.warning(
                "upstream %d is not asked for %.0f s for workspace %d: its calls fail",
                *(upstream_id, OPEN_FOR_S, breaker.suspect),
            )
            if not breaker.is_open:
                self._on_change(upstream_id, "it fails for one workspace")
        breaker.suspended_until = self._clock() + OPEN_FOR_S


def retry_after_s(blocked: Mapping[int, float], upstream_ids: Iterable[int]) -> int:
    """Return in how many whole seconds the first of these upstreams may be asked."""
    waits = [blocked[one] for one in upstream_ids if one in blocked]
    return max(1, math.ceil(min(waits, default=1.0)))
