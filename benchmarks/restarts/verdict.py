"""What was lost: calls without a whole answer, and differences in the books."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from statistics import median

from benchmarks.restarts.callers import Outcome
from billing.audit.report import audit
from billing.models import Hold, HoldState


@dataclass(frozen=True)
class Restart:
    """When all web processes were replaced; `began_at` is a moment of `time.monotonic`."""

    began_at: float
    seconds: float


def losses(outcomes: list[Outcome], restarts: list[Restart]) -> list[str]:
    """Return a sentence for each call that was refused a connection, reset, cut or unanswered."""
    return [_sentence(one, one.loss, restarts) for one in outcomes if one.loss]


def refusals(outcomes: list[Outcome], restarts: list[Restart]) -> list[str]:
    """Return a sentence for each call that the gateway answered with an error."""
    return [_sentence(one, one.refusal, restarts) for one in outcomes if one.refusal]


def _sentence(one: Outcome, fault: str, restarts: list[Restart]) -> str:
    before = [restart for restart in restarts if restart.began_at <= one.began_at]
    place = "before the first restart"
    if before:
        place = f"{one.began_at - before[-1].began_at:.1f} s after restart {len(before)} began"
    return f"a {_kind(one)}, begun {place}, after {one.seconds:.1f} s: {fault}"


def differences() -> list[str]:
    """Return a sentence for each fault of the books."""
    held = Hold.objects.filter(state=HoldState.HELD).count()
    return [
        *([f"{held} holds are open"] if held else []),
        *(f"audit: {finding.rule}: {finding.places}" for finding in audit().findings),
    ]


def summary(outcomes: list[Outcome], restarts: list[Restart]) -> Iterator[str]:
    """Describe the run in a few lines."""
    kinds = Counter(_kind(one) for one in outcomes)
    yield ", ".join(f"{count} x {kind}" for kind, count in sorted(kinds.items()))
    for kind in sorted(kinds):
        seconds = sorted(one.seconds for one in outcomes if _kind(one) == kind)
        middle, late = (seconds[int(len(seconds) * at)] for at in (0.5, 0.99))
        yield f"a {kind} took {middle:.2f} s, 99 % {late:.2f} s, all {seconds[-1]:.2f} s at most"
    if restarts:
        yield f"a restart took {median(one.seconds for one in restarts):.1f} s (median)"
    faults = chain(
        (one.loss.split(":")[0] for one in outcomes if one.loss),
        (one.refusal.split(":")[0] for one in outcomes if one.refusal),
    )
    yield f"faults: {dict(Counter(faults)) or 'none'}"


def _kind(one: Outcome) -> str:
    return "stream" if one.is_stream else "call"
