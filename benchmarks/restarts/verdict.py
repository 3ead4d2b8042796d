"""What was lost: calls without a whole answer, and differences in the books."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain

from benchmarks.restarts.callers import Outcome
from billing.audit.report import audit
from billing.models import Hold, HoldState


def losses(outcomes: list[Outcome]) -> list[str]:
    """Return a sentence for each call that was refused a connection, reset, cut or unanswered."""
    return [f"a {_kind(one)} after {one.seconds:.1f} s: {one.loss}" for one in outcomes if one.loss]


def refusals(outcomes: list[Outcome]) -> list[str]:
    """Return a sentence for each call that the gateway answered with an error."""
    return [
        f"a {_kind(one)} after {one.seconds:.1f} s: {one.refusal}"
        for one in outcomes
        if one.refusal
    ]


def differences() -> list[str]:
    """Return a sentence for each fault of the books."""
    held = Hold.objects.filter(state=HoldState.HELD).count()
    return [
        *([f"{held} holds are open"] if held else []),
        *(f"audit: {finding.rule}: {finding.places}" for finding in audit().findings),
    ]


def summary(outcomes: list[Outcome], restarts_s: list[float]) -> Iterator[str]:
    """Describe the run in a few lines."""
    kinds = Counter(_kind(one) for one in outcomes)
    yield ", ".join(f"{count} x {kind}" for kind, count in sorted(kinds.items()))
    for kind in sorted(kinds):
        seconds = sorted(one.seconds for one in outcomes if _kind(one) == kind)
        median, late = (seconds[int(len(seconds) * at)] for at in (0.5, 0.99))
        yield f"a {kind} took {median:.2f} s, 99 % {late:.2f} s, all {seconds[-1]:.2f} s at most"
    if restarts_s:
        yield f"a restart took {sorted(restarts_s)[len(restarts_s) // 2]:.1f} s (median)"
    faults = chain(
        (one.loss.split(":")[0] for one in outcomes if one.loss),
        (one.refusal.split(":")[0] for one in outcomes if one.refusal),
    )
    yield f"faults: {dict(Counter(faults)) or 'none'}"


def _kind(one: Outcome) -> str:
    return "stream" if one.is_stream else "call"
