"""A call's time as a waterfall: what it waited for, one step after the other. Pure."""

from typing import NamedTuple

from usage.records import Record, RecordAttempt

_TICKS = 6  # at most
_STEPS_MS = tuple(size * 10**power for power in range(8) for size in (1, 2, 5))
_NARROWEST = 0.4  # percent, about three pixels of the plot on a desktop


class Step(NamedTuple):
    """One bar. `kind` names its colour: wait, failed, answer or stream."""

    label: str
    kind: str
    starts_ms: int
    length_ms: int


class Bar(NamedTuple):
    """A step with its place in the plot, in percent of its width."""

    step: Step
    x: float
    width: float


class Waterfall(NamedTuple):
    """The bars over a time scale; `ticks` are moments with their place."""

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[int, float], ...]
    first_byte: float | None
    total_ms: int


def waterfall(record: Record) -> Waterfall:
    """Return the steps of a call, as far as its record tells them."""
    steps = steps_of(record)
    total = max([1, record.duration_ms, *(step.starts_ms + step.length_ms for step in steps)])
    first_byte = record.first_byte_ms
    return Waterfall(
        bars=tuple(_bar(step, total) for step in steps),
        ticks=_ticks(total),
        first_byte=None if first_byte is None else _percent(first_byte, total),
        total_ms=record.duration_ms,
    )


def steps_of(record: Record) -> list[Step]:
    """Return what the call waited for, in order."""
    steps: list[Step] = []
    at_ms = 0
    if record.queue_ms is not None:
        steps.append(Step("Limits and route", "wait", 0, record.queue_ms))
        at_ms = record.queue_ms
    if record.hold_ms is not None:
        steps.append(Step("Hold", "wait", at_ms, record.hold_ms))
    attempts = record.attempts or ()
    for number, attempt in enumerate(attempts, start=1):
        steps += _steps_of_attempt(record, attempt, number, is_last=number == len(attempts))
    ended_ms = max((step.starts_ms + step.length_ms for step in steps), default=None)
    if ended_ms is not None and record.duration_ms > ended_ms:
        steps.append(Step("Finish", "wait", ended_ms, record.duration_ms - ended_ms))
    return steps


def _steps_of_attempt(
    record: Record, attempt: RecordAttempt, number: int, *, is_last: bool
) -> list[Step]:
    name = f"Attempt {number}, {attempt.model}"
    first_byte = record.first_byte_ms
    if is_last and first_byte is not None and first_byte >= attempt.started_ms:
        to_first_byte = min(first_byte - attempt.started_ms, attempt.duration_ms)
        rest = attempt.duration_ms - to_first_byte
        return [
            Step(f"{name}, to first byte", "answer", attempt.started_ms, to_first_byte),
            Step("Stream", "stream", attempt.started_ms + to_first_byte, rest),
        ]
    kind = "failed" if attempt.error else "answer"
    words = f": {attempt.status or attempt.error}" if attempt.error else ""
    return [Step(name + words, kind, attempt.started_ms, attempt.duration_ms)]


def _bar(step: Step, total: int) -> Bar:
    width = max(_NARROWEST, _percent(step.length_ms, total))
    return Bar(step, min(_percent(step.starts_ms, total), 100 - width), width)


def _ticks(total: int) -> tuple[tuple[int, float], ...]:
    step = next((size for size in _STEPS_MS if total / size <= _TICKS), _STEPS_MS[-1])
    return tuple((moment, _percent(moment, total)) for moment in range(0, total + 1, step))


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2)
