"""A circuit breaker for each upstream, and in it one for each workspace whose calls fail.

They are per process and in memory: a wrong guess costs one attempt, and every process finds out
within a few calls.

    closed ── failures in a row ──▶ open ── time is up ──▶ half-open ── success ──▶ closed
                                     ▲                        │ one probe at a time
                                     └─────── failure ────────┘

A request can make a healthy upstream fail: it names a file that does not exist (404), asks for more
than fits into the time (timeout), trips a server's template (500), or is larger than a minute of
the account allows (429 with `retry-after`). So failures that a request may have caused open a
breaker for the workspace that made it, and never for another: several workspaces may belong to one
person. While more than one workspace's calls fail, the first failure is enough for each of them. A
caller of an upstream that is down is then refused without a wait after one attempt of its own.

A connection that is refused, or not accepted in time, depends on no request, nor do rejected
credentials: they count for all.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)

FAILURES_TO_OPEN = 5
OPEN_FOR_S = 10.0
# An upstream that rejects our credentials or address will do so until an operator mends it.
_MISCONFIGURED_FOR_S = 30.0
# How soon a call may come again that finds another one's probe under way.
_PROBE_S = 1.0
_NONE: Mapping[int, float] = {}


@dataclass(slots=True)
class _Circuit:
    """Of an upstream, for one workspace or for all."""

    failures: int = 0  # in a row
    is_open: bool = False  # or half-open, once `open_until` has passed
    open_until: float = 0.0


_CLOSED = _Circuit()


@dataclass(slots=True)
class _Breaker:
    """`failures` in a row are those of all workspaces and causes."""

    failures: int = 0
    for_all: _Circuit = field(default_factory=_Circuit)
    by_workspace: dict[int, _Circuit] = field(default_factory=dict)  # of those that failed
    probing: set[int] = field(default_factory=set)  # workspaces: none waits for another's probe
    reported: str = ""  # the last reason that `on_change` received

    def of(self, workspace_id: int) -> _Circuit:
        return self.by_workspace.get(workspace_id, _CLOSED)

    def is_open_for(self, workspace_id: int) -> bool:
        return self.for_all.is_open or self.of(workspace_id).is_open

    def closed_at(self, workspace_id: int) -> float:
        """Return when the next call of this workspace may ask."""
        return max(self.for_all.open_until, self.of(workspace_id).open_until)


class CircuitBreakers:
    """Counts failures in a row by upstream id; `failures_to_open` of 0 keeps all breakers closed.

    An open breaker admits no call for ten seconds, or for as long as the upstream's `retry-after`
    says. After that it admits one call of a workspace at a time: the first success closes it for
    all, the first failure opens it again, for the workspace that made the call. `on_change`
    receives an upstream's id and the reason when a breaker opens, and an empty reason when the
    upstream answers again.
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
        happened: `succeeded`, `failed`, `unreachable`, `told_to_wait`, `misconfigured` or
        `abandoned`."""
        breaker = self._breakers.get(upstream_id)
        if breaker is None:
            return True
        if self._wait_s(breaker, workspace_id) > 0:
            return False
        if breaker.is_open_for(workspace_id):
            breaker.probing.add(workspace_id)
        return True

    def succeeded(self, upstream_id: int) -> None:
        """Record that an upstream answered."""
        breaker = self._breakers.pop(upstream_id, None)
        if breaker is not None and breaker.reported:
            logger.info("upstream %d recovered", upstream_id)
            self._on_change(upstream_id, "")

    def failed(self, upstream_id: int, workspace_id: int) -> None:
        """Record that an upstream failed to answer this workspace's call, or broke off."""
        breaker = self._failure(upstream_id, workspace_id)
        circuit = breaker.by_workspace.setdefault(workspace_id, _Circuit())
        circuit.failures += 1
        fail_together = self._is_enough(breaker.failures) and len(breaker.by_workspace) > 1
        is_known = breaker.is_open_for(workspace_id) or fail_together
        if is_known or self._is_enough(circuit.failures):
            self._open_for_one(upstream_id, breaker, workspace_id, for_s=OPEN_FOR_S)

    def unreachable(self, upstream_id: int, workspace_id: int) -> None:
        """Record that there was no connection, which no request can cause."""
        breaker = self._failure(upstream_id, workspace_id)
        if breaker.for_all.is_open or self._is_enough(breaker.failures):
            self._open_for_all(upstream_id, breaker, for_s=OPEN_FOR_S, because="it fails")

    def told_to_wait(self, upstream_id: int, workspace_id: int, *, for_s: float) -> None:
        """Record that an upstream named the time before which it does not want to be asked."""
        breaker = self._failure(upstream_id, workspace_id)
        breaker.by_workspace.setdefault(workspace_id, _Circuit()).failures += 1
        self._open_for_one(upstream_id, breaker, workspace_id, for_s=for_s)

    def misconfigured(self, upstream_id: int, workspace_id: int) -> None:
        """Record that an upstream rejected our credentials or address."""
        breaker = self._failure(upstream_id, workspace_id)
        for_s = _MISCONFIGURED_FOR_S
        self._open_for_all(upstream_id, breaker, for_s=for_s, because="it rejects us")

    def abandoned(self, upstream_id: int, workspace_id: int) -> None:
        """Record that a call ended before its upstream could succeed or fail."""
        if (breaker := self._breakers.get(upstream_id)) is not None:
            breaker.probing.discard(workspace_id)

    def _wait_s(self, breaker: _Breaker, workspace_id: int) -> float:
        left_s = breaker.closed_at(workspace_id) - self._clock()
        if left_s <= 0 and workspace_id in breaker.probing:
            return _PROBE_S
        return left_s

    def _failure(self, upstream_id: int, workspace_id: int) -> _Breaker:
        breaker = self._breakers.setdefault(upstream_id, _Breaker())
        breaker.failures += 1
        breaker.probing.discard(workspace_id)
        return breaker

    def _is_enough(self, failures: int) -> bool:
        return failures >= self._failures_to_open

    def _open_for_all(
        self, upstream_id: int, breaker: _Breaker, *, for_s: float, because: str
    ) -> None:
        if not self._failures_to_open:
            return
        if not breaker.for_all.is_open:
            logger.warning("upstream %d is not asked for %.0f s: %s", upstream_id, for_s, because)
        self._open(breaker.for_all, for_s)
        self._report(upstream_id, breaker, because)

    def _open_for_one(
        self, upstream_id: int, breaker: _Breaker, workspace_id: int, *, for_s: float
    ) -> None:
        if not self._failures_to_open:
            return
        circuit = breaker.by_workspace[workspace_id]
        if not circuit.is_open:
            logger.warning(
                "upstream %d is not asked for %.0f s for workspace %d: its calls fail",
                *(upstream_id, for_s, workspace_id),
            )
        self._open(circuit, for_s)
        if not breaker.for_all.is_open:
            several = sum(one.is_open for one in breaker.by_workspace.values()) > 1
            whose = "several workspaces" if several else "one workspace"
            self._report(upstream_id, breaker, f"it fails for {whose}")

    def _open(self, circuit: _Circuit, for_s: float) -> None:
        circuit.is_open = True
        circuit.open_until = max(circuit.open_until, self._clock() + for_s)

    def _report(self, upstream_id: int, breaker: _Breaker, because: str) -> None:
        if breaker.reported != because:
            breaker.reported = because
            self._on_change(upstream_id, because)


def retry_after_s(blocked: Mapping[int, float], upstream_ids: Iterable[int]) -> int:
    """Return in how many whole seconds the first of these upstreams may be asked."""
    waits = [blocked[one] for one in upstream_ids if one in blocked]
    return max(1, math.ceil(min(waits, default=1.0)))
