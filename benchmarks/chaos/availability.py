"""Whether the product was available to its callers, except for times that a cause explains.

A call is due when its upstream's slowest answer and the causes in its time are over. It must have
an answer or a broken connection by then, and RETURN_S more. An error or a broken connection needs a
cause that is not over for longer than RETURN_S. To RETURN_S comes the time in which the machine did
not run a ready process: a call passes several, one after the other.
"""

from collections.abc import Callable, Iterator, Sequence

from django.utils import timezone

from benchmarks.chaos.callers import CallResult
from benchmarks.chaos.cause import Cause
from benchmarks.chaos.processes import Processes
from benchmarks.chaos.upstream import SLOWEST_S
from benchmarks.machine import Machine
from billing.models import AuditRun
from tests.support.waiting import eventually

RETURN_S = 2.0
# Caller, gateway, PostgreSQL's session and upstream wait for each other.
_PROCESSES_OF_A_CALL = 4
# A connection that breaks is seen a moment before the fault is noted, and after.
_NOTED_WITHIN_S = 0.3
_READY_WITHIN_S = 60.0
# The ledger is audited every minute.
_AUDIT_WITHIN_S = 120.0


class Judge:
    """Judges the calls of a run."""

    def __init__(self, causes: Sequence[Cause], machine: Machine) -> None:
        self._causes = causes
        self._machine = machine

    def faults(self, results: Sequence[CallResult]) -> Iterator[str]:
        """Yield a sentence for each call that was left alone or refused without a cause."""
        for one in results:
            if one.is_unanswered:
                yield f"{_described(one)} got neither an answer nor a reset in {one.seconds:.0f} s"
            elif (late_s := self._late_s(one)) > 0:
                yield f"{_described(one)} ended {late_s:.1f} s later than anything explains"
            elif not one.is_served and not self._has_cause(one):
                yield f"{_described(one)} failed, and nothing explains it"

    def summary(self, results: Sequence[CallResult]) -> Iterator[str]:
        """Describe how soon service was there again, and how busy the machine was."""
        late = sorted(max(0.0, self._late_s(one) + self._allowed_s(one)) for one in results)
        if late:
            median, most, slowest = (late[int(len(late) * at)] for at in (0.5, 0.99, 0.99999))
            yield (
                f"{len(self._causes)} faults concerned calls; calls ended after what explains it:"
                f" {median:.1f} s, 99 % {most:.1f} s, all {slowest:.1f} s"
            )
        yield self._returns(results)
        yield self._machine.summary()

    def _returns(self, results: Sequence[CallResult]) -> str:
        latest = max(
            (
                min(one.began - cause.ended for cause in before)
                for one in results
                if not one.is_served
                and not self._is_under_way(one)
                and (before := self._over_before(one))
            ),
            default=0.0,
        )
        return f"calls failed until {latest:.1f} s after the end of what explains it"

    def _late_s(self, one: CallResult) -> float:
        """Return how much later it ended than it had to."""
        due_at = one.began + SLOWEST_S
        due_at = max([due_at, *(cause.ended for cause in self._concerning(one))])
        return one.ended - due_at - self._allowed_s(one)

    def _allowed_s(self, one: CallResult) -> float:
        return RETURN_S + self._lost_s(one.began, one.ended)

    def _has_cause(self, one: CallResult) -> bool:
        return any(
            cause.began - _NOTED_WITHIN_S <= one.ended
            and one.began <= cause.ended + RETURN_S + self._lost_s(cause.ended, one.ended)
            for cause in self._causes
            if cause.url in ("", one.url)
        )

    def _concerning(self, one: CallResult) -> Iterator[Cause]:
        """Yield the causes of its time, and those that began before the ones before were over."""
        until = one.began + SLOWEST_S
        for cause in sorted(self._causes, key=lambda cause: cause.began):
            if cause.url not in ("", one.url) or cause.ended < one.began - RETURN_S:
                continue
            if cause.began <= until + RETURN_S + self._lost_s(until, until + RETURN_S):
                until = max(until, cause.ended)
                yield cause

    def _is_under_way(self, one: CallResult) -> bool:
        """Whether a cause was not over yet when the call began, or began before its end."""
        return any(
            cause.began - _NOTED_WITHIN_S <= one.ended and one.began <= cause.ended
            for cause in self._causes
            if cause.url in ("", one.url)
        )

    def _over_before(self, one: CallResult) -> list[Cause]:
        concerning = (cause for cause in self._causes if cause.url in ("", one.url))
        return [cause for cause in concerning if cause.ended < one.began]

    def _lost_s(self, began: float, ended: float) -> float:
        return _PROCESSES_OF_A_CALL * self._machine.lost_s(began, ended)


def _described(one: CallResult) -> str:
    kind = "stream" if one.is_stream else "call"
    answer = one.status or "no answer"
    return f"{one.request_id or one.url}: a {kind} ({answer}, {one.seconds:.1f} s)"


def hands_needed(processes: Processes) -> list[str]:
    """Return what did not come back by itself after the last fault."""
    now = timezone.now()
    found = processes.own_endings
    for gateway in processes.gateways:
        if not _comes(gateway.has_returned, _READY_WITHIN_S):
            found.append(f"{gateway.name} does not answer")
        if not _comes(lambda: gateway.answers("/readyz"), _READY_WITHIN_S):  # noqa: B023
            found.append(f"{gateway.name} is not ready")
        if not gateway.answers("/healthz"):
            found.append(f"{gateway.name} wants to be restarted")
    if not _comes(AuditRun.objects.filter(started_at__gt=now).exists, _AUDIT_WITHIN_S):
        found.append("scheduler or worker does nothing")
    return found


def _comes(look: Callable[[], bool], within_s: float) -> bool:
    try:
        return eventually(look, within_s=within_s)
    except AssertionError:
        return False
